"""What customers use, opened by their orders, and the periods that are paid for."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship
from sqlalchemy.orm.attributes import get_history

from order.models import Tables
from order.resources.ends import (
    AUTO_RENEW,
    CLOSED,
    EXPIRED,
    FROZEN,
    IN_USE,
    first_notice,
    first_try,
    next_try,
    status_at,
)
from order.resources.product import Product
from wire.times import SECOND
from wire.vocabulary import ChargingMode

# Statuses of resources that are used on demand, docs/domain/resources.md B.6.
NORMAL, FROZEN_ON_DEMAND, CLOSED_ON_DEMAND = 1, 3, 6
SETTINGS_CHANGED = "resource.settings_changed"


class Resource(Tables):
    """Something a customer uses, opened by an order (docs/domain/resources.md B.6)."""

    __tablename__ = "resources"
    __table_args__ = (
        Index("resources_of_customer", "customer_id", "expire_at"),
        Index("resources_of_order", "order_id"),
        Index("resources_of_line", "line_id"),
        Index("resources_attached", "main_resource_id",
              postgresql_where=text("main_resource_id IS NOT NULL")),
        Index("resources_to_end", "status", "expire_at",
              postgresql_where=text("charging_mode = 1 AND status <> 3")),
        Index("resources_to_tell", "notice_at", postgresql_where=text("notice_at IS NOT NULL")),
        Index("resources_to_renew", "next_renewal_at",
              postgresql_where=text("next_renewal_at IS NOT NULL")),
        Index("resources_of_partner", "partner_id", "effective_at", "resource_id"),
        Index("resources_by_status", "partner_id", "charging_mode", "status", "effective_at"),
        Index("resources_by_service", "partner_id", "service_type_code", "effective_at"),
        Index("resources_by_end", "partner_id", "expire_at"),
        Index("resources_of_distributor", "distributor_id", "effective_at",
              postgresql_where=text("distributor_id IS NOT NULL")),
    )  # fmt: skip

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    resource_name: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]  # whose customer it is now (docs/domain/orders.md H.15)
    distributor_id: Mapped[str | None]
    order_id: Mapped[str]  # that opened it
    line_id: Mapped[str]
    currency: Mapped[str]  # that order's, and of all that is paid for it
    # What it is attached to, as a disk to its server; none for a main resource.
    main_resource_id: Mapped[str | None]
    product_id: Mapped[str]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_code: Mapped[str]
    product_spec_desc: Mapped[str | None]
    region_code: Mapped[str]
    measure_size: Mapped[Decimal | None]
    size_measure_id: Mapped[int | None]
    charging_mode: Mapped[int]
    status: Mapped[int]  # period: 2 in use, 3 closed, 4 frozen, 5 expired; on-demand: 1 normal …
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime | None]
    expire_policy: Mapped[int] = mapped_column(default=0)
    # Of automatic renewal, which is policy 3 (docs/domain/resources.md H.8): 2 month or 3 year;
    # how many are left, none: without limit; and of a main resource when the next one is tried.
    auto_renew_period_type: Mapped[int | None]
    auto_renewals_left: Mapped[int | None]
    next_renewal_at: Mapped[datetime | None]
    renewing_until: Mapped[datetime | None]  # a try is under way, at most until then
    notice_at: Mapped[datetime | None]  # when it is told next that the end is near
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    periods: Mapped[list["ResourcePeriod"]] = relationship(
        order_by="ResourcePeriod.begin_at, ResourcePeriod.period_id", lazy="selectin", cascade="all"
    )
    history: WriteOnlyMapped["ResourceHistory"] = relationship()

    @property
    def paid_periods(self) -> list["ResourcePeriod"]:
        """What is paid for and was not given back, the earliest first."""
        return [period for period in self.periods if period.refund_order_id is None]

    @property
    def running_periods(self) -> list["ResourcePeriod"]:
        """Of these, those since it was charged by period for the last time: without a gap."""
        running: list[ResourcePeriod] = []
        end_at: datetime | None = None
        for period in self.paid_periods:
            if end_at is not None and period.begin_at > end_at + SECOND:
                running = []
            running.append(period)
            end_at = period.end_at
        return running

    def periods_at(self, now: datetime) -> list["ResourcePeriod"]:
        """The period in effect, and behind it what changes of it cost more; none: it is over."""
        in_effect = [
            one
            for one in self.paid_periods
            if one.begin_at <= now and (one.end_at is None or now < one.end_at + SECOND)
        ]
        return sorted(in_effect, key=lambda one: one.base_period_id is not None)

    def open(self, now: datetime) -> None:
        """It may be used from now on: the begin of its history."""
        self._note(now, "resource.opened", self.order_id)

    def close(self, now: datetime, event: str = "resource.unsubscribed") -> None:
        """It is given back, or its time is over for good; nothing of it is left."""
        self.status, self.expire_policy = CLOSED, 0
        self.notice_at = None
        self._stop_renewing()
        self._changed(now, event)

    def close_on_demand(self, now: datetime) -> None:
        """It was used on demand, and is not any more."""
        self.status, self.expire_at = CLOSED_ON_DEMAND, now
        self._changed(now, "resource.closed")

    def set_end_policy(self, policy: int, now: datetime) -> None:
        """What becomes of it at its end was set anew; automatic renewal ends with it."""
        self.expire_policy = policy
        self._stop_renewing()
        self._changed(now, SETTINGS_CHANGED)

    def become_on_demand(self, now: datetime, order_id: str | None) -> None:
        """It is charged by use from now on."""
        self.charging_mode, self.status = ChargingMode.ON_DEMAND, NORMAL
        self.expire_policy = 0
        self._ends_at(None)
        self._stop_renewing()
        self._changed(now, "resource.converted", order_id)

    def become_period(self, period: "ResourcePeriod", now: datetime) -> None:
        """It is paid for a period from now on."""
        self.charging_mode, self.status = ChargingMode.PERIOD, IN_USE
        self.expire_policy = 0
        self.periods.append(period)
        self._ends_at(period.end_at)
        self._changed(now, "resource.converted", period.order_id)

    def become(self, product: Product) -> None:
        """It is another size or specification; `changed_by` says of which order."""
        self.product_id, self.product_spec_desc = product.product_id, product.product_spec_desc
        self.resource_spec_code = product.resource_spec_code
        self.measure_size, self.size_measure_id = product.measure_size, product.size_measure_id

    def changed_by(self, order_id: str, now: datetime) -> None:
        """It has become what that order wanted; it ends when it would have."""
        self._changed(now, "resource.changed", order_id)

    def freeze(self, status: int, now: datetime) -> None:
        """It may not be used: its customer is frozen with its resources, or owes for too long."""
        self.status = status
        self._changed(now, "resource.frozen")

    def unfreeze(self, status: int, now: datetime) -> None:
        """It is what it was, or what its time has made of it."""
        self.status = status
        self._changed(now, "resource.unfrozen")

    def move_to(self, status: int, now: datetime) -> None:
        """Its customer began to owe, or does not owe any more; it may be used as before."""
        self.status = status
        self._changed(now)

    def follow(self, partner_id: str, distributor_id: str | None, now: datetime) -> None:
        """Its customer has another partner, which sees it from now on."""
        self.partner_id, self.distributor_id = partner_id, distributor_id
        self._changed(now)

    def shorten(self, now: datetime) -> None:
        """It ends with the last period that is left, and is renewed so much earlier."""
        before, end_at = self.expire_at, self.paid_periods[-1].end_at
        if self.next_renewal_at is not None and before is not None and end_at is not None:
            self.next_renewal_at = max(self.next_renewal_at + (end_at - before), next_try(now))
        self._ends_at(end_at)
        self._changed(now)

    def renew(
        self, period: "ResourcePeriod", deduction_days: int, now: datetime, *, is_automatic: bool
    ) -> None:
        """A further period is paid for; in use again, unless that one is over as well."""
        self.periods.append(period)
        self._ends_at(period.end_at)
        self.status = status_at(self.expire_at, self.expire_policy, now)
        if self.next_renewal_at is not None and self.expire_at is not None:
            self.next_renewal_at = first_try(self.expire_at, deduction_days, now)
        self.renewing_until = None
        if is_automatic and self.auto_renewals_left is not None:
            self.auto_renewals_left -= 1
            if self.auto_renewals_left <= 0:
                self.expire_policy = 0
                self._stop_renewing()
        self._changed(now, "resource.renewed", period.order_id)

    def renew_automatically(
        self, period_type: int, times: int | None, first_try_at: datetime | None, now: datetime
    ) -> None:
        """From now on, so many times or without limit; tried for the first time at that instant."""
        self.expire_policy = AUTO_RENEW
        self.auto_renew_period_type, self.auto_renewals_left = period_type, times
        self.next_renewal_at = first_try_at
        self._changed(now, SETTINGS_CHANGED)

    def end_without_renewal(self, now: datetime) -> None:
        """It is not renewed automatically any more."""
        self.expire_policy = 0
        self._stop_renewing()
        self._changed(now, SETTINGS_CHANGED)

    def note_notice(self, next_at: datetime | None, now: datetime) -> None:
        """It was told that the end is near."""
        self.notice_at = next_at
        self._changed(now, "resource.expiring")

    def try_renewal_at(self, at: datetime, now: datetime, event: str = SETTINGS_CHANGED) -> None:
        """It is tried next at that instant: another day was set, or a try did not succeed."""
        self.next_renewal_at, self.renewing_until = at, None
        self._changed(now, event)

    def postpone_renewal(self, at: datetime) -> None:
        """Another order names it: looked at again then. No fact, for nobody outside sees it."""
        self.next_renewal_at, self.renewing_until = at, None

    def move_on(self, status: int, now: datetime) -> None:
        """Its time has run out, or that of its grace or retention."""
        if status == CLOSED:
            self.close(now, "resource.closed")
            return
        if status not in (EXPIRED, FROZEN):
            raise ValueError(f"time makes no resource {status}")
        self.status, self.notice_at = status, None
        self._changed(now, "resource.expired" if status == EXPIRED else "resource.frozen")

    def _ends_at(self, end_at: datetime | None) -> None:
        self.expire_at = end_at
        self.notice_at = first_notice(end_at)

    def _stop_renewing(self) -> None:
        self.auto_renew_period_type = self.auto_renewals_left = None
        self.next_renewal_at = self.renewing_until = None

    def _changed(
        self, now: datetime, event: str = "resource.changed", order_id: str | None = None
    ) -> None:
        """Each change is one fact more; it stands in the history under its event's type."""
        self.updated_at = now
        self.version += 1
        self._note(now, event, order_id)

    def _note(self, now: datetime, event: str, order_id: str | None) -> None:
        before = get_history(self, "status").deleted
        row = ResourceHistory(
            number=self.version,
            partner_id=self.partner_id,
            distributor_id=self.distributor_id,
            at=now,
            event=event,
            order_id=order_id,
            charging_mode=self.charging_mode,
            from_status=before[0] if before else None if self.version == 1 else self.status,
            to_status=self.status,
            expire_at=self.expire_at,
        )
        self.history.add(row)


class StandingToSettle(Tables):
    """A customer whose resources are to be looked at again; rows are added and taken away.

    Nobody waits for another to add one, whatever is locked (decision 0105).
    """

    __tablename__ = "standings_to_settle"
    __table_args__ = (
        Index("standings_due", "at"),
        Index("standings_of_customer", "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    at: Mapped[datetime]


class ResourceHistory(Tables):
    """What became of a resource, a row for each of its facts."""

    __tablename__ = "resource_history"

    resource_id: Mapped[str] = mapped_column(ForeignKey("resources.resource_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # the resource's version after it
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    at: Mapped[datetime]
    event: Mapped[str]  # its type, such as "resource.opened"
    order_id: Mapped[str | None]  # by which order; none: by time, a freeze or a wish
    charging_mode: Mapped[int]
    from_status: Mapped[int | None]  # none for the first
    to_status: Mapped[int]
    expire_at: Mapped[datetime | None]


class ResourcePeriod(Tables):
    """A time that is paid for, and what each means of payment paid of it.

    See docs/domain/resources.md H.7.
    """

    __tablename__ = "resource_periods"
    __table_args__ = (
        Index("periods_of_resource", "resource_id", "begin_at"),
        Index("periods_of_order", "order_id"),
    )

    period_id: Mapped[str] = mapped_column(primary_key=True)
    resource_id: Mapped[str] = mapped_column(ForeignKey("resources.resource_id"))
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    order_id: Mapped[str]
    line_id: Mapped[str]
    begin_at: Mapped[datetime]
    end_at: Mapped[datetime | None]
    official_amount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal]
    flexipurchase_coupon_amount: Mapped[Decimal]
    stored_card_amount: Mapped[Decimal]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    # Which coupon paid how much of it: coupon_id, coupon_type, amount.
    coupons: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    payer_id: Mapped[str | None]  # whose money it was; none: the customer's
    refund_order_id: Mapped[str | None]  # the unsubscription that gave it back
    # Of what a change costs more: the period that it was paid on top of (decision 0100).
    base_period_id: Mapped[str | None]

    @property
    def amount_after_discount(self) -> Decimal:
        """What all means paid of it."""
        return (
            self.coupon_amount
            + self.flexipurchase_coupon_amount
            + self.stored_card_amount
            + self.cash_amount
            + self.credit_amount
        )


class Piece(Tables):
    """One piece of a paid line, to be provisioned (docs/domain/orders.md H.11).

    The resource's id is chosen before anybody is asked to open it, so that an answer which comes
    twice opens nothing twice.
    """

    __tablename__ = "pieces"
    __table_args__ = (Index("pieces_of_order", "order_id", "position", "number"),)

    line_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # 1 for the first of its line
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    position: Mapped[int]  # its line's
    resource_id: Mapped[str]
    main_resource_id: Mapped[str | None]
    state: Mapped[str]  # asked | opened | failed
    code: Mapped[str | None]  # why it failed
    asked_times: Mapped[int] = mapped_column(default=0)
    rule_id: Mapped[str | None]  # what is rehearsed with it, in a sandbox
    ruled_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    def close(self, state: str, now: datetime, code: str | None = None) -> None:
        """What became of it; it is not asked for again."""
        self.state, self.closed_at, self.code = state, now, code
