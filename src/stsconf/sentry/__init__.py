"""The upgrade sentry: what running sets are before an upgrade and after it, and which of them moved."""
