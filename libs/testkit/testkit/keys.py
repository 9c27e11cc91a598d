"""Secrets that tests use; known to everybody, so of no use anywhere else."""

import base64

INTERNAL_KEYS = f"test:{base64.b64encode(b'i' * 32).decode()}"
ENCRYPTION_KEYS = f"test:{base64.b64encode(b'e' * 32).decode()}"
ADMIN_TOKEN = "test-administrator"
