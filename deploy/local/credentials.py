"""The secrets of this checkout, made once at the first start."""

import base64
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from local.private_files import read_json, write_private

KEY_BYTES = 32
PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Credentials:
    """What the services and servers share with nobody else."""

    internal_keys: str
    encryption_keys: str
    admin_token: str
    database_password: str


def make_credentials() -> Credentials:
    """Fresh ones; keys as `id:base64`."""
    return Credentials(
        internal_keys=f"k1:{_key()}",
        encryption_keys=f"k1:{_key()}",
        admin_token=secrets.token_urlsafe(PASSWORD_BYTES),
        database_password=secrets.token_urlsafe(PASSWORD_BYTES),
    )


def load_credentials(path: Path) -> Credentials:
    """Those of this checkout. A part that is missing is made; what is there never changes."""
    kept = read_json(path)
    merged = {**asdict(make_credentials()), **kept}
    if kept != merged:
        write_private(path, merged)
    return Credentials(**{field.name: merged[field.name] for field in fields(Credentials)})


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
