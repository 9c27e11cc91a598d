"""The rules of issuing coupons from a quota, for who issues and for who asks beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, RefusedError
from voucher.copies import ASSOCIATED, PENDING, Customer
from voucher.coupons.models import RECLAIMED, Coupon
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import NORMAL, Quota


class IssueRefusedError(RefusedError):
    """The whole request is refused; its code says why."""


class CustomerRefusedError(RefusedError):
    """This customer gets none; the others are not affected."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of each coupon; an empty list and no time inherit the quota's."""

    face_value: Decimal
    effective_at: datetime | None = None
    expire_at: datetime | None = None
    cloud_service_types: Sequence[str] = ()
    product_ids: Sequence[str] = ()
    subscribe_types: Sequence[str] = ()


def refuse_itself(partner_id: str, customer_ids: Sequence[str]) -> None:
    """Raise IssueRefusedError where the issuer is among those who are to get one."""
    if partner_id in customer_ids:
        raise IssueRefusedError(code="CBC.99000025")


@dataclass(slots=True)
class Judge:
    """A quota, its rules, and what of its limits is used, counted on while issuing."""

    quota: Quota
    partner_id: str
    is_reseller: bool
    rules: QuotaLimits
    _coupons: int | None = None
    _totals: dict[str, Decimal] = field(default_factory=dict)
    _limits: dict[tuple[tuple[str, ...], ...], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, quota: Quota | None, partner_id: str, now: datetime, *, is_reseller: bool) -> Self:
        """Raise IssueRefusedError unless the partner may issue from it (docs/domain, D.4)."""
        if quota is None or quota.partner_id != partner_id:
            raise IssueRefusedError(code="CBC.99000012")
        if quota.quota_status != NORMAL and not quota.is_over_by_time(now):
            raise IssueRefusedError(code="CBC.99000012")
        return cls(quota, partner_id, is_reseller, quota.rules)

    def admit(
        self,
        terms: Terms,
        customer_ids: Sequence[str],
        customers: Mapping[str, Customer],
        now: datetime,
    ) -> tuple[datetime, datetime]:
        """From when to when the coupons hold; raises what refuses the whole request."""
        window = self._window(terms, now)
        self._refuse_terms(terms)
        self._refuse_customers(customer_ids, customers)
        return window

    def limits_of(self, terms: Terms) -> dict[str, Any]:
        """As the coupon keeps them; one and the same for all coupons of equal terms."""
        narrowed = (
            tuple(terms.cloud_service_types),
            tuple(terms.product_ids),
            tuple(terms.subscribe_types),
        )
        if narrowed not in self._limits:
            self._limits[narrowed] = self.rules.narrowed(*narrowed).kept()
        return self._limits[narrowed]

    async def count(self, session: AsyncSession, customer_ids: Sequence[str]) -> None:
        """Have what the limits of number and total need to know of these customers.

        Reclaimed coupons count no more, neither does what any coupon gave back.
        """
        if self.rules.coupons_max is not None and self._coupons is None:
            counted = select(func.count()).where(
                Coupon.quota_id == self.quota.id, Coupon.status != RECLAIMED
            )
            self._coupons = await session.scalar(counted) or 0
        if self.rules.total_per_customer_max is not None:
            new = [one for one in customer_ids if one not in self._totals]
            rows = await session.execute(
                select(Coupon.customer_id, func.sum(Coupon.face_value - Coupon.returned_amount))
                .where(Coupon.quota_id == self.quota.id, Coupon.customer_id.in_(new))
                .group_by(Coupon.customer_id)
            )
            self._totals |= dict.fromkeys(new, Decimal(0))
            self._totals |= {customer_id: total for customer_id, total in rows}

    def take(
        self,
        customer_id: str,
        customers: Mapping[str, Customer],
        face_value: Decimal,
        now: datetime,
    ) -> None:
        """One coupon's value from the quota; raises what refuses this customer alone."""
        self._refuse_customer(customers.get(customer_id))
        total = self._totals.get(customer_id, Decimal(0)) + face_value
        most, total_max = self.rules.coupons_max, self.rules.total_per_customer_max
        if most is not None and (self._coupons or 0) >= most:
            raise CustomerRefusedError(code="CBC.99000020")
        if total_max is not None and total > total_max:
            raise CustomerRefusedError(code="CBC.99000021")
        self.quota.take(face_value, now)
        if most is not None:
            self._coupons = (self._coupons or 0) + 1
        if total_max is not None:
            self._totals[customer_id] = total

    def _window(self, terms: Terms, now: datetime) -> tuple[datetime, datetime]:
        """The quota's own times where none are given (F15.3)."""
        quota = self.quota
        if not quota.effective_at <= now < quota.expire_at:
            raise IssueRefusedError(code="CBC.99000017")
        effective_at = terms.effective_at or quota.effective_at
        expire_at = terms.expire_at or quota.expire_at
        if expire_at <= effective_at or expire_at <= now:
            raise BadFieldError("expire_time", "not after valid_time and the present")
        if effective_at < quota.effective_at or expire_at > quota.expire_at:
            raise IssueRefusedError(code="CBC.99000017")
        return effective_at, expire_at

    def _refuse_terms(self, terms: Terms) -> None:
        least, most = self.rules.face_value_min, self.rules.face_value_max
        if least is not None and terms.face_value < least:
            raise IssueRefusedError(code="CBC.99000018")
        if most is not None and terms.face_value > most:
            raise IssueRefusedError(code="CBC.99000019")
        if not self.rules.allows(terms.cloud_service_types, terms.product_ids):
            raise IssueRefusedError(code="CBC.99000023")
        if not self.rules.allows_types(terms.subscribe_types):
            raise IssueRefusedError(code="CBC.99000024")
        if (unjudged := self.rules.unjudged) is not None:
            raise IssueRefusedError(
                f"no payment tells {unjudged}: the coupons could never pay", code="CHB.0409"
            )

    def _refuse_customers(
        self, customer_ids: Sequence[str], customers: Mapping[str, Customer]
    ) -> None:
        """The quota's conditions on customers, which refuse the whole request (F15.5)."""
        rules = self.rules
        if rules.customer_ids:
            if not set(customer_ids) <= set(rules.customer_ids):
                raise IssueRefusedError(code="CBC.50000020")
            own = {c.customer_id for c in customers.values() if c.partner_id == self.partner_id}
            if self.is_reseller and not set(customer_ids) <= own:
                raise IssueRefusedError(code="CBC.50000021")
        known = [customers[c] for c in customer_ids if c in customers]
        if rules.first_associated_only and not all(c.is_first_association for c in known):
            raise IssueRefusedError(code="CBC.99000022")

    def _refuse_customer(self, customer: Customer | None) -> None:
        """Conditions on one customer: its own line in `error_details`."""
        is_own = customer is not None and customer.partner_id == self.partner_id
        if customer is not None and is_own and customer.association_status == PENDING:
            raise CustomerRefusedError(code="CBC.99000000")
        if customer is None or not is_own or customer.association_status != ASSOCIATED:
            raise CustomerRefusedError(code="CBC.99000035")
        if customer.financial_custody:
            raise CustomerRefusedError(code="CBC.50000034")
        fits = self.rules.cooperation_type in (None, customer.association_type)
        if not customer.has_resale_type or not fits:
            raise CustomerRefusedError(code="CBC.99000014")
