"""A result or a cluster beside an earlier one."""
