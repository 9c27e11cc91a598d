"""What an owner states again, read portion by portion, and held against what it stated before."""

from collections.abc import Iterable
from typing import Any

from chassis.database import Database
from chassis.restatement import Restater
from contracts.event import Event

PORTION = 2  # small, so that there are several


async def restated(database: Database, restater: Restater) -> list[Event]:
    """All of them, each once and in the order of their ids, as many as were announced."""
    found: list[Event] = []
    async with database.transaction() as session:
        announced = await restater.count(session)
        while True:
            after = found[-1].subject if found else ""
            portion = await restater.portion(session, after, PORTION)
            found += [event.model_copy(update={"restated": True}) for event in portion]
            if len(portion) < PORTION:
                break
    assert len(found) == len({event.subject for event in found}) == announced
    return found


def differences(
    anew: Iterable[Event], stated: Iterable[dict[str, Any]], *aside: str
) -> dict[str, Any]:
    """Aggregate → what its last stated fact said otherwise, over the fields that both have."""
    told = {event.subject: event for event in anew}
    subjects = {event.SUBJECT for event in told.values()}
    last = {body[name]: body for name in subjects for body in stated if name in body}
    found: dict[str, Any] = {subject: "never stated" for subject in told.keys() - last.keys()}
    found |= {subject: "not stated anew" for subject in last.keys() - told.keys()}
    for subject in told.keys() & last.keys():
        ours = told[subject]
        theirs = type(ours).model_validate({**ours.model_dump(), **last[subject]})
        for name in type(ours).model_fields.keys() & last[subject].keys() - {"occurred_at", *aside}:
            if getattr(ours, name) != getattr(theirs, name):
                found.setdefault(subject, {})[name] = getattr(ours, name), getattr(theirs, name)
    return found
