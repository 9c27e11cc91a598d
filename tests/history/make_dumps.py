"""Make `tests/history/<service>-<version>.sql`: what upgrades to later releases start from.

    python -m tests.history.make_dumps 0.2.0

Run it once, in the checkout of a release. The dumps are committed with it and never made again.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg

from chassis.migrations import migrate
from testkit.embedded.postgres import binary
from testkit.servers import PostgresServer
from tests.history.rows import fill

HERE = Path(__file__).parent
SERVICES = ("billing", "customer_sync", "gateway", "order", "partner", "voucher")


async def fill_database(url: str) -> list[str]:
    """Rows in every table; the tables that have some."""
    connection = await asyncpg.connect(url)
    try:
        return await fill(connection)
    finally:
        await connection.close()


def dump(url: str, *more: str) -> str:
    """The database as statements, without owners and without what only psql reads."""
    command = [str(binary("pg_dump")), "--no-owner", "--inserts", "--dbname", url, *more]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    kept = [line for line in made.stdout.splitlines() if not line.startswith(("--", "\\"))]
    return "\n".join(line for line in kept if line) + "\n"


def main(version: str) -> None:
    """Write a dump of each service beside this file."""
    server = PostgresServer.private()
    try:
        for service in SERVICES:
            url = f"{server.url}/{service}"
            migrate(service, url)
            asyncio.run(fill_database(url))
            (HERE / f"{service}-{version}.sql").write_text(dump(url), "utf-8")
    finally:
        server.close()


if __name__ == "__main__":
    main(sys.argv[1])
