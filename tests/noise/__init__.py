"""A foreign client at work on a live control plane while the suite runs: ``python -m tests.noise --help``.

The controller is the real one and does nothing wrong, so whatever a run calls violated or differing is a false
accusation.
"""
