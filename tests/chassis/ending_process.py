"""A service that is to be told to end: `python -m tests.chassis.ending_process`.

Its requests are slow in three ways: one that waits for news, one that takes `seconds`, one that
writes and takes longer than any process may.
"""

import asyncio
from decimal import Decimal

from chassis import cli
from chassis.app import basic_parts, service_app
from chassis.parts import CurrentParts, Parts, ServiceApp
from chassis.routes import Router
from chassis.settings import ServiceSettings
from tests.chassis.tally import Heard, counting

router = Router()
news = asyncio.Event()


@router.get("/waits")
async def waits() -> dict[str, str]:
    """Answers when there is news, or when the process ends."""
    await news.wait()
    return {"next": "here"}


@router.get("/takes/{seconds}")
async def takes(seconds: float) -> dict[str, float]:
    """Work that is not cut short."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@router.get("/writes/{key}")
async def writes(parts: CurrentParts, key: str) -> None:
    """Writes, and is never done."""
    async with parts.database.transaction() as session:
        session.add(Heard(key=key, version=1, amount=Decimal(1)))
        await session.flush()
        await asyncio.Event().wait()


def build(settings: ServiceSettings) -> ServiceApp[Parts]:
    """A tally that answers requests."""
    return service_app(
        basic_parts("tally", settings),
        routers=[router],
        consumers=[counting()],
        on_ending=[news.set],
    )


if __name__ == "__main__":
    cli.serve("order", ServiceSettings(), build)  # its release is told in the log
