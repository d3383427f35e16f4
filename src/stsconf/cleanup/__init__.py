"""What a run leaves on a cluster, and its removal."""
