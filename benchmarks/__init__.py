"""Measurements of the instrument, run by hand: ``python -m benchmarks.NAME``. Nothing here passes or fails."""
