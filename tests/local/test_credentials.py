"""Secrets are made once and read by nobody else."""

import base64
import json
import stat
from pathlib import Path

from local.credentials import load_credentials


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    kept = tmp_path / "secrets.json"
    load_credentials(kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_secrets_are_made_once(tmp_path: Path) -> None:
    kept = tmp_path / "secrets.json"
    assert load_credentials(kept) == load_credentials(kept)
    assert load_credentials(kept) != load_credentials(tmp_path / "other.json")


def test_a_missing_secret_is_made_and_the_others_stay(tmp_path: Path) -> None:
    kept = tmp_path / "secrets.json"
    before = load_credentials(kept)
    content = json.loads(kept.read_text())
    del content["admin_token"]
    kept.write_text(json.dumps(content))
    after = load_credentials(kept)
    assert after.admin_token != before.admin_token
    assert after.database_password == before.database_password


def test_keys_have_an_id_and_32_bytes(tmp_path: Path) -> None:
    made = load_credentials(tmp_path / "secrets.json")
    for text in (made.internal_keys, made.encryption_keys):
        key_id, _, secret = text.partition(":")
        assert key_id == "k1"
        assert len(base64.b64decode(secret, validate=True)) == 32
