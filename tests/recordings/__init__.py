"""Recordings of real runs."""
