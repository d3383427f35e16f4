"""Recording: what happened, every version of every object, in one sealed file."""
