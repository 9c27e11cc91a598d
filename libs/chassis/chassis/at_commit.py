"""What a transaction writes last, in one go: its facts and its audit entries.

Kept beside the session until then. Nothing is read back, so that the role which requests run as
needs no right but to insert.
"""

from typing import Any

from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

_KEPT = "kept until the commit"


class StatingSession(Session):
    """The session beneath each transaction of `chassis.database`, which alone keeps rows."""


def keep(session: AsyncSession, kind: str, rows: list[Any]) -> None:
    """Have the rows written when the transaction commits; a savepoint that rolls back drops them.

    They are written in the order of the calls.
    """
    assert isinstance(session.sync_session, StatingSession), "no transaction of chassis.database"
    savepoint = session.sync_session.get_nested_transaction()
    kept = session.info.setdefault(_KEPT, {}).setdefault(kind, [])
    kept += [(savepoint, row) for row in rows]


def kept(session: Session, kind: str) -> list[Any]:
    """What was kept of that kind, in order."""
    return [row for _, row in session.info.get(_KEPT, {}).get(kind, ())]


def has_kept(session: AsyncSession) -> bool:
    """Whether there is anything to write."""
    return _KEPT in session.info


# Once for the class: a listener of each session cost a small transaction a tenth of its time.
@listens_for(StatingSession, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """What was kept inside a savepoint that rolled back was not done."""

    def is_undone(savepoint: SessionTransaction | None) -> bool:
        while savepoint is not None and savepoint is not ended:
            savepoint = savepoint.parent
        return savepoint is ended

    if not ended.nested:
        return
    for rows in session.info.get(_KEPT, {}).values():
        rows[:] = [pair for pair in rows if not is_undone(pair[0])]
