"""What is promised, and whether it was kept."""
