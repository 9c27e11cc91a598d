"""Make the files that are due, and write them to where they belong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Partner
from billing.exports.models import CANCELLED, EXPIRED, FAILED, READY, Export, ExportPart
from billing.exports.request_export import NotSettledError, queue_export
from billing.files.keep_pieces import read_pieces
from billing.subscriptions.due import cycle_due, next_due, next_try
from billing.subscriptions.facts import delivery_failed
from billing.subscriptions.models import (
    ACTIVE,
    DAILY,
    DELIVERED,
    ENDED,
    FAILING,
    GIVEN_UP,
    TESTING,
    WAITING,
    Delivery,
    FileSubscription,
)
from billing.subscriptions.targets import TRY_SECONDS_MAX, DeliveryError, Targets
from chassis import outbox
from chassis.business_clock import BusinessNow
from chassis.database import Database
from chassis.ids import new_id
from chassis.logs import get_logger
from wire.times import beijing_day

log = get_logger(__name__)

TRIES_MAX = 5  # one a day
LEASE = timedelta(seconds=TRY_SECONDS_MAX + 60)  # of the wall: longer than a try may take
LOOK_SECONDS_MAX = 5.0
_GONE = (FAILED, CANCELLED, EXPIRED)


class Deliveries:
    """A schedule that asks for exports when they are due, and delivers them when they are made."""

    def __init__(self, database: Database, clock: BusinessNow, targets: Targets):
        self._database, self._clock, self.targets = database, clock, targets
        self._holder = new_id()
        self._next_look = datetime.min.replace(tzinfo=UTC)

    def wake(self) -> None:
        """A subscription was just made, or an export is ready."""
        self._next_look = datetime.min.replace(tzinfo=UTC)

    async def work(self, bus: Database, now: datetime) -> None:
        """Test, ask, deliver: whatever is due."""
        if now < self._next_look:
            return
        self._next_look = now + timedelta(seconds=LOOK_SECONDS_MAX)
        await self.at_a_stop(bus, now)

    async def at_a_stop(self, _bus: Database, now: datetime) -> None:
        """The same, whatever was known before."""
        while await self._test_one():
            pass
        while await self._ask_for_one(now):
            pass
        while (delivery := await self._take(now)) is not None:
            await self._deliver(delivery, now)

    async def _test_one(self) -> bool:
        """A test write of a subscription that waits for it; its result stands there."""
        async with self._database.transaction() as session:
            found = await session.scalar(
                select(FileSubscription).where(FileSubscription.state == TESTING).limit(1)
            )
        if found is None:
            return False
        error = None
        try:
            await self.targets.test(found)
        except DeliveryError as failure:
            error = str(failure)
        async with self._database.transaction() as session:
            there = await session.get_one(
                FileSubscription, found.subscription_id, with_for_update=True
            )
            if there.state == TESTING:
                there.state, there.last_error = (FAILING if error else ACTIVE), error
                there.version += 1
        return True

    async def _ask_for_one(self, now: datetime) -> bool:
        """Ask for the export of a subscription whose file is due; one that was missed is one."""
        async with self._database.transaction() as session:
            found = await session.scalar(
                select(FileSubscription)
                .where(
                    FileSubscription.state.in_((ACTIVE, FAILING)), FileSubscription.next_at <= now
                )
                .order_by(FileSubscription.next_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if found is None:
                return False
            due = found.next_at
            delivery = Delivery(
                delivery_id=new_id(),
                subscription_id=found.subscription_id,
                partner_id=found.partner_id,
                distributor_id=found.distributor_id,
                cycle=cycle_due(found.frequency, due),
                day=f"{beijing_day(due):%Y%m%d}" if found.frequency == DAILY else "",
                state=WAITING,
                tries=0,
                next_try_at=now,
                files=[],
                created_at=now,
                version=1,
            )
            session.add(delivery)
            await self._ask(session, found, delivery, now)
            found.next_at = next_due(found.frequency, now)
            return True

    async def _ask(
        self, session: AsyncSession, found: FileSubscription, delivery: Delivery, now: datetime
    ) -> None:
        partner = await session.get_one(Partner, found.partner_id)
        try:
            export = await queue_export(
                session, partner, delivery.cycle, found.format, found.view, found.language, now,
                found.subscription_id,
            )  # fmt: skip
        except NotSettledError as refusal:
            delivery.export_id = None
            self._fail(session, found, delivery, None, refusal.detail, now)
        else:
            delivery.export_id = export.export_id

    async def _take(self, now: datetime) -> Delivery | None:
        """A delivery whose export has ended, and whose try is due."""
        free = or_(Delivery.held_until.is_(None), Delivery.held_until < func.now())
        async with self._database.transaction() as session:
            found: Delivery | None = await session.scalar(
                select(Delivery)
                .outerjoin(Export, Export.export_id == Delivery.export_id)
                .where(
                    Delivery.state == WAITING,
                    Delivery.next_try_at <= now,
                    free,
                    or_(Delivery.export_id.is_(None), Export.status.in_((READY, *_GONE))),
                )
                .order_by(Delivery.next_try_at)
                .limit(1)
                .with_for_update(skip_locked=True, of=Delivery)
            )
            if found is not None:
                found.holder, found.held_until = self._holder, func.now() + LEASE
                await session.flush()
                await session.refresh(found)
            return found

    async def _deliver(self, delivery: Delivery, now: datetime) -> None:
        async with self._database.transaction() as session:
            subscription = await session.get_one(FileSubscription, delivery.subscription_id)
            export = await session.get(Export, delivery.export_id) if delivery.export_id else None
            parts = list(
                await session.scalars(
                    select(ExportPart)
                    .where(ExportPart.export_id == delivery.export_id)
                    .order_by(ExportPart.number)
                )
            )
        if subscription.state == ENDED:
            await self._end(delivery, subscription, None, "the subscription has ended", now)
            return
        if export is None or export.status != READY:
            await self._end(delivery, subscription, None, "the export was not made", now)
            return
        for part in parts:
            name = f"{delivery.day}/{part.file_name}" if delivery.day else part.file_name
            try:
                await self.targets.write(subscription, name, self._content(part))
            except DeliveryError as failure:
                await self._end(delivery, subscription, name, str(failure), now)
                return
            delivery.files = [*delivery.files, name]
        await self._end(delivery, subscription, None, None, now)

    def _content(self, part: ExportPart) -> AsyncIterator[bytes]:
        return read_pieces(self._database, None, part.file_id)

    async def _end(
        self, delivery: Delivery, subscription: FileSubscription, name: str | None,
        error: str | None, now: datetime,
    ) -> None:  # fmt: skip
        """Note what became of the try; a file that was not made is asked for anew."""
        async with self._database.transaction() as session:
            found = await session.get_one(Delivery, delivery.delivery_id, with_for_update=True)
            if found.holder != self._holder or found.state != WAITING:
                return
            there = await session.get_one(
                FileSubscription, subscription.subscription_id, with_for_update=True
            )
            found.holder = found.held_until = None
            if error is not None:
                self._fail(session, there, found, name, error, now)
                if name is None and found.state == WAITING:
                    await self._ask(session, there, found, now)
                return
            found.state, found.ended_at, found.error = DELIVERED, now, None
            found.files, found.version = delivery.files, found.version + 1
            there.last_error, there.last_delivered_at = None, now
            if there.state == FAILING:
                there.state = ACTIVE
            there.version += 1

    def _fail(
        self, session: AsyncSession, subscription: FileSubscription, delivery: Delivery,
        name: str | None, error: str, now: datetime,
    ) -> None:  # fmt: skip
        delivery.tries += 1
        delivery.error, delivery.next_try_at = error, next_try(now)
        delivery.version += 1
        if delivery.tries >= TRIES_MAX or subscription.state == ENDED:
            delivery.state, delivery.ended_at = GIVEN_UP, now
        if subscription.state != ENDED:
            subscription.state, subscription.last_error = FAILING, error
            subscription.version += 1
        outbox.publish(session, delivery_failed(delivery, name, error, now))


async def next_delivery(session: AsyncSession) -> datetime | None:
    """When the next file is due, or the next try of one."""
    due = select(func.min(FileSubscription.next_at)).where(
        FileSubscription.state.in_((ACTIVE, FAILING))
    )
    tried = select(func.min(Delivery.next_try_at)).where(Delivery.state == WAITING)
    found = [one for one in (await session.scalar(due), await session.scalar(tried)) if one]
    return min(found, default=None)
