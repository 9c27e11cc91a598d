"""A tally as a process of its own, to be killed, stopped and started: `python -m …tally_process`.

`TALLY_STATE=key:first:last` makes it state facts, one transaction each, before it settles down;
`TALLY_REPLAY=key` makes it replay a parked key.
"""

import asyncio
import os
from datetime import UTC, datetime

import uvloop

from chassis.app import basic_parts, service_app
from chassis.release import Desk
from chassis.settings import ServiceSettings
from testkit.door import ADMINISTRATOR
from tests.chassis.tally import KEYS_RESTATED, counting, state


async def serve() -> None:
    """Run until killed."""
    app = service_app(basic_parts("tally", ServiceSettings()), routers=[], consumers=[counting()],
                      restaters=[KEYS_RESTATED])  # fmt: skip
    async with app.router.lifespan_context(app):
        if task := os.environ.get("TALLY_STATE"):
            key, first, last = task.split(":")
            now = datetime(2026, 11, 23, tzinfo=UTC)
            await state(app.parts.database, key, range(int(first), int(last) + 1), now)
        if parked := os.environ.get("TALLY_REPLAY"):
            now = datetime.now(UTC)
            desk = Desk(app.running.consumers, app.parts.database, ADMINISTRATOR, now)
            await desk.replay("tally", app.parts.settings.topic_prefix + "billing", parked)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
