"""The command that each service installs: `order serve`, `order migrate`, `order audit` …"""

import argparse
import asyncio
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from chassis import audit, logs
from chassis.database import Database
from chassis.migrations import migrate
from chassis.settings import ServiceSettings

Build = Callable[[ServiceSettings], FastAPI]


def main(service: str, settings_class: type[ServiceSettings], build: Build) -> None:
    """Parse the command line and run; `service` is the package's name."""
    parser = argparse.ArgumentParser(prog=service.replace("_", "-"))
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("serve", help="answer requests and act on events until stopped")
    verbs.add_parser("migrate", help="create the database when missing and bring it up to date")
    verbs.add_parser("audit", help="verify the audit log's chain; exit 1 when it is broken")
    arguments = parser.parse_args()
    settings = settings_class()
    if arguments.verb == "serve":
        serve(service, settings, build)
    elif arguments.verb == "migrate":
        migrate(service, settings.database_of(service))
    elif arguments.verb == "audit":
        sys.exit(_verify_audit(service, settings))


def serve(service: str, settings: ServiceSettings, build: Build) -> None:
    """Run the service in this process until it is told to stop."""
    logs.configure(service, settings.log_level)
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
        server_header=False,
    )


def _verify_audit(service: str, settings: ServiceSettings) -> int:
    async def check() -> str | None:
        database = Database(settings, service)
        try:
            return await audit.verify(database)
        finally:
            await database.close()

    broken = asyncio.run(check())
    print(broken or "the audit log's chain holds")
    return 1 if broken else 0
