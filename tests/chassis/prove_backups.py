"""Backups in a bucket of a real server that checks signatures: `make prove-backups`; needs Go."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from backup.bucket import Bucket
from backup.physical import Store
from testkit.servers import PostgresServer
from tests.billing.prove_deliveries import ACCESS, BUCKET, SECRET, serving
from tests.billing.proving import tell
from tests.chassis.backing_up import LOGGED, backup, received, restored, rows, streaming, url_of
from tests.flows.cast import eventually

ROWS = 400_000


async def main() -> None:
    """Serve the bucket around it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        await asyncio.to_thread((folder / "objects").mkdir)
        async with serving(folder / "objects") as endpoint:
            os.environ.update(
                AWS_ENDPOINT_URL=endpoint, AWS_REGION="us-east-1",
                AWS_ACCESS_KEY_ID=ACCESS, AWS_SECRET_ACCESS_KEY=SECRET,
            )  # fmt: skip
            await asyncio.to_thread(proof, folder)


def proof(folder: Path) -> None:
    """Backed up, its spool and server gone, restored; a wrong key is told in a line."""
    there = ["--bucket", f"s3://{BUCKET}/backups"]
    server = PostgresServer.private(LOGGED)
    try:
        server.create_database("kept")
        server.execute("CREATE TABLE kept (id int, said text)", "kept")
        with streaming(folder / "spool", server.url, *there, "--partial-seconds", "0"):
            _well("base", backup(folder / "spool", "base", server.url, *there))
            filled = (
                f"INSERT INTO kept SELECT n, repeat('x', 100) FROM generate_series(1, {ROWS}) n"
            )
            server.execute(filled, "kept")
            shipped = Bucket.at(there[1], Store(folder / "spool"))
            eventually(shipped.segments, lambda found: len(found) >= 3)
            received(server)
            written = rows(f"{server.url}/postgres", "SELECT pg_current_wal_lsn()::text")
            tell(f"the log is at {written[0][0]}; in the bucket are {len(shipped.segments())}")
        _well("check", backup(folder / "spool", "check", "", *there))
        begun = time.monotonic()
        with restored(folder / "other", *there) as back:
            found = rows(f"{url_of(back, server)}/kept", "SELECT count(*) FROM kept")
            tell(f"restored {found[0][0]} of {ROWS} rows in {time.monotonic() - begun:.1f} s")
            if found != [[ROWS]]:
                sys.exit("not all came back")
        with streaming(folder / "spool", server.url, *there):
            _well("base", backup(folder / "spool", "base", server.url, *there))
        _well("prune", backup(folder / "spool", "prune", "", *there, "--keep", "1"))
        _well("check", backup(folder / "spool", "check", "", *there))
        os.environ["AWS_SECRET_ACCESS_KEY"] = "another"
        refused = backup(folder / "spool", "check", "", *there)
        tell(f"a wrong key: {refused.stderr.strip()[:200]}")
        if (refused.returncode, refused.stderr.count("\n")) != (1, 1):
            sys.exit("not told in a line")
    finally:
        server.close()
    tell("holds")


def _well(verb: str, done: object) -> None:
    status, said, error = (getattr(done, name) for name in ("returncode", "stdout", "stderr"))
    tell(f"{verb}: {' '.join(said.split())[:160]}{error.strip()}")
    if status:
        sys.exit(f"{verb} failed")


if __name__ == "__main__":
    asyncio.run(main())
