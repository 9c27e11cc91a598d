"""Secrets at rest: AES-GCM, bound to what they belong to."""

import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Vault:
    """Encrypts with the first key, decrypts with any: keys rotate by putting a new one in front."""

    def __init__(self, keys: dict[str, bytes]):
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    def seal(self, secret: str, bound_to: str) -> tuple[str, bytes]:
        """The id of the key used, and nonce and ciphertext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), bound_to.encode())
        return self._current, nonce + sealed

    def open(self, key_id: str, sealed: bytes, bound_to: str) -> str:
        """The secret; KeyError when the key is no longer among ENCRYPTION_KEYS."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return self._ciphers[key_id].decrypt(nonce, ciphertext, bound_to.encode()).decode()
