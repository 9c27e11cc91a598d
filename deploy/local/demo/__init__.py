"""The demo portfolio: planned by a seed, loaded through the gateway."""
