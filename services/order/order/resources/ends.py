"""What time makes of a period resource: pure rules (docs/domain/resources.md H.8)."""

from datetime import datetime, time, timedelta

from wire.times import BEIJING, SECOND

# Status codes of period resources, docs/domain/resources.md B.6.
IN_USE, CLOSED, FROZEN, EXPIRED = 2, 3, 4, 5
# What becomes of it at its end: the codes of expire_policy.
GRACE, TO_ON_DEMAND, DELETE, AUTO_RENEW, FREEZE, RETAIN = range(6)
WITHOUT_GRACE = (FREEZE, RETAIN)
GRACE_TIME = timedelta(days=15)  # in status 5
RETENTION_TIME = timedelta(days=15)  # in status 4
NOTICE_DAYS = (30, 15, 7, 3, 1)  # before the end
TRIED_AT = time(3)  # in Beijing: automatic renewals


def status_at(expire_at: datetime | None, policy: int, now: datetime) -> int:
    """In use until the second of the end is over; then grace, retention, closed by policy.

    What turns on demand at its end is in use until it does: it has no grace.
    """
    if expire_at is None or now < expire_at + SECOND or policy == TO_ON_DEMAND:
        return IN_USE
    if policy == DELETE:
        return CLOSED
    frozen_at = frozen_from(expire_at, policy)
    if now < frozen_at:
        return EXPIRED
    return FROZEN if now < frozen_at + RETENTION_TIME else CLOSED


def frozen_from(expire_at: datetime, policy: int) -> datetime:
    """When grace is over; two policies know none."""
    end = expire_at + SECOND
    return end if policy in WITHOUT_GRACE else end + GRACE_TIME


def first_notice(expire_at: datetime | None) -> datetime | None:
    """When it is told for the first time that the end is near."""
    return None if expire_at is None else expire_at - timedelta(days=NOTICE_DAYS[0])


def notice_due(expire_at: datetime, now: datetime) -> tuple[int | None, datetime | None]:
    """The days to tell of now, the fewest that have come, and when to tell of fewer."""
    due = [days for days in NOTICE_DAYS if expire_at - timedelta(days=days) <= now]
    if not due:
        return None, first_notice(expire_at)
    later = [days for days in NOTICE_DAYS if days < due[-1]]
    return due[-1], expire_at - timedelta(days=later[0]) if later else None


def first_try(expire_at: datetime, days_before: int, now: datetime) -> datetime:
    """03:00 Beijing of the day so many days before the day of the end, or the next such hour."""
    day = expire_at.astimezone(BEIJING).date() - timedelta(days=days_before)
    at = datetime.combine(day, TRIED_AT, tzinfo=BEIJING).astimezone(expire_at.tzinfo)
    return at if at > now else next_try(now)


def next_try(now: datetime) -> datetime:
    """The next 03:00 in Beijing."""
    here = now.astimezone(BEIJING)
    at = datetime.combine(here.date(), TRIED_AT, tzinfo=BEIJING)
    if at <= here:
        at += timedelta(days=1)
    return at.astimezone(now.tzinfo)
