"""JSON files that only their owner may read, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

OWNER_ONLY = 0o600


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step, readable by its owner alone."""
    write_private_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_private_text(path: Path, text: str) -> None:
    """The same for any text."""
    written = path.with_name(path.name + ".new")
    written.unlink(missing_ok=True)
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
    written.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The file's content; empty when it is missing or was left half-written by something else."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
