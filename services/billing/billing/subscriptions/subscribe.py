"""Subscribe to a file, look after it, end it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.request_export import Format, Language, View, find_named_partner
from billing.subscriptions.due import next_due
from billing.subscriptions.models import (
    ENDED,
    FOLDER,
    S3,
    TESTING,
    Delivery,
    FileSubscription,
    SubscriptionEndedError,
    SubscriptionNotFoundError,
)
from billing.subscriptions.targets import Targets
from chassis import audit
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from wire.types import Id, NativeQuery, WireRequest

SUBSCRIPTIONS, DELIVERIES = "file-subscriptions", "file-deliveries"
SUBSCRIPTIONS_MAX = 20  # of an account
TEXT_CHARACTERS_MAX = 200
Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Endpoint = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,190}$")]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9/_-]{0,99}$")]


class TooManySubscriptionsError(RefusedError):
    """The account has as many as it may have."""

    code = "CHB.0409"


class Target(WireRequest):
    """A bucket with its key, or a folder."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["s3", "folder"]
    endpoint: Endpoint | None = None
    region: Text | None = None
    bucket: Bucket | None = None
    access_key_id: Text | None = None
    secret_access_key: Text | None = Field(default=None, repr=False)
    folder: Text | None = None
    prefix: Prefix | None = None


class Subscribe(WireRequest):
    """The body of POST /api/file-subscriptions; `partner_id` is for the administrator."""

    model_config = ConfigDict(extra="forbid")

    frequency: Literal["daily", "monthly"]
    format: Format = "csv"
    view: View = "customers_pay"
    language: Language = "zh"
    target: Target
    partner_id: Id | None = None


class ListSubscriptions(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    after: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


_NEEDED = {
    S3: ("endpoint", "region", "bucket", "access_key_id", "secret_access_key"),
    FOLDER: ("folder",),
}


async def subscribe(
    session: AsyncSession, principal: Principal, targets: Targets, wanted: Subscribe, now: datetime
) -> FileSubscription:
    """Keep it; a test write follows at once, and its result stands in the subscription.

    Raises:
        BadFieldError: the target lacks a field, has another's, or is not to be had here.
        PartnerUnknownError, TooManySubscriptionsError

    """
    partner = await find_named_partner(session, principal, wanted.partner_id)
    _check_target(targets, wanted.target)
    await _check_number(session, partner.partner_id)
    target = wanted.target
    found = FileSubscription(
        subscription_id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        frequency=wanted.frequency,
        format=wanted.format,
        view=wanted.view,
        language=wanted.language,
        target_kind=target.kind,
        target={
            "endpoint": target.endpoint, "region": target.region, "bucket": target.bucket,
            "access_key_id": target.access_key_id, "folder": target.folder,
            "prefix": target.prefix,
        },
        state=TESTING,
        next_at=next_due(wanted.frequency, now),
        created_at=now,
        version=1,
    )  # fmt: skip
    if target.secret_access_key is not None:
        assert targets.vault is not None
        found.secret_key_id, found.secret = targets.vault.seal(
            target.secret_access_key, found.subscription_id
        )
    session.add(found)
    audit.record(
        session, principal, "file_subscription.make", found.subscription_id, now,
        frequency=found.frequency, target=target.kind,
    )  # fmt: skip
    return found


def _check_target(targets: Targets, target: Target) -> None:
    given = {name for name in (*_NEEDED[S3], *_NEEDED[FOLDER]) if getattr(target, name) is not None}
    for name in _NEEDED[target.kind]:
        if name not in given:
            raise BadFieldError(f"target.{name}", "missing")
    for name in sorted(given - set(_NEEDED[target.kind])):
        raise BadFieldError(f"target.{name}", "not a field of this kind")
    if target.kind == FOLDER:
        targets.check_folder(target.folder or "")
    elif targets.vault is None:
        raise BadFieldError("target.kind", "this installation keeps no secrets: no ENCRYPTION_KEYS")


async def _check_number(session: AsyncSession, partner_id: str) -> None:
    one_at_a_time = func.pg_advisory_xact_lock(func.hashtext(f"billing.files.{partner_id}"))
    await session.execute(select(one_at_a_time))
    there = await session.scalar(
        select(func.count())
        .select_from(FileSubscription)
        .where(FileSubscription.partner_id == partner_id, FileSubscription.state != ENDED)
    )
    if (there or 0) >= SUBSCRIPTIONS_MAX:
        raise TooManySubscriptionsError(f"{SUBSCRIPTIONS_MAX} subscriptions are there")


async def find_subscription(
    session: AsyncSession, principal: Principal, subscription_id: str, *, lock: bool = False
) -> FileSubscription:
    """A partner's own; the administrator sees all.

    Raises:
        SubscriptionNotFoundError

    """
    wanted = select(FileSubscription).where(FileSubscription.subscription_id == subscription_id)
    if not principal.is_administrator:
        wanted = wanted.where(FileSubscription.partner_id == principal.partner_id)
    found: FileSubscription | None = await session.scalar(
        wanted.with_for_update() if lock else wanted
    )
    if found is None:
        raise SubscriptionNotFoundError
    return found


async def list_subscriptions(
    session: AsyncSession, principal: Principal, query: ListSubscriptions
) -> tuple[Sequence[FileSubscription], str | None]:
    """The newest first, ended ones too."""
    wanted = select(FileSubscription).order_by(FileSubscription.subscription_id.desc())
    if not principal.is_administrator:
        wanted = wanted.where(FileSubscription.partner_id == principal.partner_id)
    if query.after is not None:
        after = keys_after(SUBSCRIPTIONS, query.after)[0]
        wanted = wanted.where(FileSubscription.subscription_id < after)
    found = (await session.scalars(wanted.limit(query.limit + 1))).all()
    page = found[: query.limit]
    more = len(found) > query.limit
    return page, cursor_after(SUBSCRIPTIONS, page[-1].subscription_id) if more else None


async def list_deliveries(
    session: AsyncSession, principal: Principal, subscription_id: str, query: ListSubscriptions
) -> tuple[Sequence[Delivery], str | None]:
    """The newest first.

    Raises:
        SubscriptionNotFoundError

    """
    await find_subscription(session, principal, subscription_id)
    wanted = select(Delivery).where(Delivery.subscription_id == subscription_id)
    if query.after is not None:
        wanted = wanted.where(Delivery.delivery_id < keys_after(DELIVERIES, query.after)[0])
    wanted = wanted.order_by(Delivery.delivery_id.desc()).limit(query.limit + 1)
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    more = len(found) > query.limit
    return page, cursor_after(DELIVERIES, page[-1].delivery_id) if more else None


async def ask_for_test(
    session: AsyncSession, principal: Principal, subscription_id: str, now: datetime
) -> FileSubscription:
    """Have another test write made.

    Raises:
        SubscriptionNotFoundError, SubscriptionEndedError

    """
    found = await find_subscription(session, principal, subscription_id, lock=True)
    if found.state == ENDED:
        raise SubscriptionEndedError
    found.state = TESTING
    found.version += 1
    audit.record(session, principal, "file_subscription.test", subscription_id, now)
    return found


async def end_subscription(
    session: AsyncSession, principal: Principal, subscription_id: str, now: datetime
) -> None:
    """Deliver nothing any more, and forget its secret.

    Raises:
        SubscriptionNotFoundError, SubscriptionEndedError

    """
    found = await find_subscription(session, principal, subscription_id, lock=True)
    found.end(now)
    audit.record(session, principal, "file_subscription.end", subscription_id, now)
