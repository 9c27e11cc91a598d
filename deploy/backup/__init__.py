"""Backups of a deployment's PostgreSQL, and their restoration to an instant."""
