"""One run, from options to a sealed recording."""
