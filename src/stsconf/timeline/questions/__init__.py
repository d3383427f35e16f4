"""Questions that promises ask of a timeline, by what they are about. Each is a function of the timeline."""
