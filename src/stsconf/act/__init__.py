"""What is done to a StatefulSet: objects, verbs, waits, scenarios."""
