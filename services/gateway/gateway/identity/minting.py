"""Fresh credentials, in the forms that the vendor's have."""

import hashlib
import secrets
import string

ACCESS_CHARACTERS = 20
SECRET_CHARACTERS = 40
TOKEN_BYTES = 48
_ACCESS = string.ascii_uppercase + string.digits
_SECRET = string.ascii_letters + string.digits


def new_access() -> str:
    """An access key id; random, so that ids cannot be guessed from one another."""
    return "".join(secrets.choice(_ACCESS) for _ in range(ACCESS_CHARACTERS))


def new_secret() -> str:
    """A secret key: 40 characters, 238 bits."""
    return "".join(secrets.choice(_SECRET) for _ in range(SECRET_CHARACTERS))


def new_token() -> str:
    """A token's or security token's text: 384 bits, so that a plain hash of it tells nothing."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """Under which a token is kept: SHA-256, hex."""
    return hashlib.sha256(token.encode()).hexdigest()
