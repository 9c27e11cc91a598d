"""Counts that are kept, so that no list counts a million rows."""
