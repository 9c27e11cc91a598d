"""`GET /api/events`: what happened, in order, without gaps, to be read again at any time."""
