"""Writes what is made from the contracts: schemas, AsyncAPI document, catalogue, feed.

    python -m contracts.generate              write them again
    python -m contracts.generate --baseline   also accept the present contracts as released

Works in a checkout; tests compare what is committed with what this would write.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from contracts import STREAMS, asyncapi, catalogue, contracts, feed
from contracts.compatibility import breaches, shapes
from contracts.schema import schema_of

LIBRARY = Path("libs/contracts")
SCHEMAS = LIBRARY / "schemas"
BASELINE = LIBRARY / "baseline" / "contracts.json"


def files() -> dict[Path, str]:
    """What is to be committed, by its path in the checkout, except for the baseline."""
    made = {
        SCHEMAS / f"{name}.json": _json(schema_of(contract))
        for stream in STREAMS
        for name, contract in contracts(stream).items()
    }
    made[Path("docs/asyncapi.json")] = _json(asyncapi.document())
    made[Path("docs/events.md")] = catalogue.page()
    for reader in feed.READERS:
        made[Path(f"docs/feed-{reader}.json")] = _json(feed.document(reader))
    return made


def write(checkout: Path) -> None:
    """Write all files, and remove schemas of contracts that are no more."""
    made = files()
    for stale in set((checkout / SCHEMAS).glob("*.json")) - {checkout / path for path in made}:
        stale.unlink()
    for path, content in made.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(content, "utf-8")


def accept_baseline(checkout: Path) -> list[str]:
    """Take the present contracts as released; nothing is written when that breaks the last ones."""
    path = checkout / BASELINE
    broken = breaches(json.loads(path.read_text("utf-8")), shapes()) if path.exists() else []
    if not broken:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_json(shapes()), "utf-8")
    return broken


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """The command; run it at the checkout's root."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate")
    parser.add_argument("--baseline", action="store_true", help="accept the present as released")
    arguments = parser.parse_args()
    checkout = Path.cwd()
    if not (checkout / LIBRARY).is_dir():
        sys.exit(f"run this at the root of the checkout: there is no {LIBRARY} here")
    write(checkout)
    if arguments.baseline and (broken := accept_baseline(checkout)):
        sys.exit("\n".join(["the baseline stays as it is:", *broken]))


if __name__ == "__main__":
    main()
