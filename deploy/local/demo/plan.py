"""What the demo portfolio consists of, decided by a seed before anything is sent.

The same seed, catalogue and instant give the same plan; ids are made by the system.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import Any, TypeVar

from local.demo import words
from local.demo.names import Namer
from local.demo.purchases import Line, Product, Shop, Usage, used_since
from wire.times import cycle_bounds, cycle_of

RESELLERS, MANAGERS = 3, 12
ORDERS_MIN, ORDERS_MAX = 8, 18  # per authorizing customer
CUSTOMER_BATCH, NAME_BATCH = 50, 100
REFERRAL_SHARE, DESCRIBED_SHARE, VERIFIED_SHARE = 0.06, 0.92, 0.96
USAGE_RECORDS_PER_CUSTOMER = (8, 24)
USAGE_BATCH = 100
SHORT_OF_MONEY_SHARE = 0.06
PARTNER_FUNDS = Decimal("5000000.00")

T = TypeVar("T")

PROVIDER, DISTRIBUTOR, ABROAD = "provider", "distributor", "abroad"
CHINA, INTERNATIONAL = "china", "international"

# What becomes of an order, by the status it ends in (docs/domain/orders.md B.5), and how often.
FATES = {
    "paid": 18,  # 5, or 3 while it is being provisioned
    "pending": 30,  # 6
    "cancelled": 7,  # 4
    "review": 20,  # 1
    "confirmation": 17,  # 9
    "approved": 3,  # 1, then 6
    "refused": 3,  # 1, then 4
}
PROVISIONING_FOR_LONG_SHARE = 0.12  # of the paid ones: a line that takes days to provision


@dataclass(frozen=True)
class Size:
    """How many of each there are; those who authorize are among those who spend."""

    customers: int = 2000  # of the provider
    per_reseller: int = 24
    authorizing: int = 150
    authorizing_per_reseller: int = 4
    spending: int = 300  # with money and usage
    with_coupon: int = 100  # of a batch
    unlinked: int = 12


FULL = Size()
# Everything once, in seconds: for tests.
SMALL = Size(
    customers=60,
    per_reseller=5,
    authorizing=8,
    authorizing_per_reseller=2,
    spending=16,
    with_coupon=8,
    unlinked=2,
)


@dataclass(frozen=True)
class Partner:
    """A partner account with its money; `above` is a reseller's distributor."""

    key: str
    account_name: str
    name: str
    kind: str
    above: str | None
    funds: Decimal
    site: str = CHINA


SHOWN_ABROAD = Partner(
    ABROAD, "haixing-global", "Haixing Global", "solution_provider", None, Decimal("100000.00"),
    INTERNATIONAL,
)  # fmt: skip


@dataclass(frozen=True)
class Manager:
    """A person who looks after customers (业务员)."""

    id: str
    name: str


@dataclass(frozen=True)
class Customer:
    """A customer of the partner `owner`; `name` is None while nobody has verified it."""

    number: int
    owner: str
    xaccount_id: str
    account_name: str
    name: str | None
    customer_type: int
    association_type: str
    label: str | None
    manager: Manager | None
    authorizes: bool
    spends: bool


@dataclass(frozen=True)
class Order:
    """An order, what becomes of it, and the coupon batch of which a coupon pays for it."""

    number: int
    customer: int
    lines: tuple[Line, ...]
    fate: str
    amount: Decimal
    coupon_batch: int | None

    @property
    def is_followed(self) -> bool:
        """Whether anything is done with it after it was placed."""
        return self.fate in ("paid", "cancelled", "approved", "refused")

    @property
    def hold_for(self) -> str:
        """What must happen before it can be paid."""
        if self.fate == "confirmation":
            return "confirmation"
        return "review" if self.fate in ("review", "approved", "refused") else "payment"


@dataclass(frozen=True)
class Quota:
    """A coupon quota of a partner."""

    key: str
    owner: str
    quota_type: int
    value: Decimal
    limits: dict[str, Any]


@dataclass(frozen=True)
class CouponBatch:
    """Coupons of one face value, one for each of the customers; some are taken back."""

    number: int
    quota: str
    face_value: Decimal
    customers: tuple[int, ...]
    recalled: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Everything, in the order in which it is made."""

    seed: int
    at: datetime
    partners: tuple[Partner, ...]
    customers: tuple[Customer, ...]
    transfers: dict[int, Decimal]
    quotas: tuple[Quota, ...]
    coupon_batches: tuple[CouponBatch, ...]
    orders: tuple[Order, ...]
    usage_batches: tuple[tuple[Usage, ...], ...]
    unlinked: tuple[int, ...]

    @property
    def customer_batches(self) -> list[tuple[Customer, ...]]:
        """The customers by owner, as many as one command takes."""
        return [
            batch
            for _, owned in groupby(self.customers, attrgetter("owner"))
            for batch in in_batches(list(owned), CUSTOMER_BATCH)
        ]

    @property
    def order_batches(self) -> list[tuple[Order, ...]]:
        """Each customer's orders; the batches in the order of their first ones."""
        by_customer: dict[int, list[Order]] = {}
        for order in self.orders:
            by_customer.setdefault(order.customer, []).append(order)
        return [tuple(orders) for orders in by_customer.values()]

    @property
    def name_batches(self) -> list[tuple[Customer, ...]]:
        """Those whose names are verified."""
        return in_batches([one for one in self.customers if one.name], NAME_BATCH)


def in_batches(items: Sequence[T], size: int) -> list[tuple[T, ...]]:
    """The items in their order, `size` at a time."""
    return [tuple(items[first : first + size]) for first in range(0, len(items), size)]


def make_plan(seed: int, products: list[Product], at: datetime, size: Size = FULL) -> Plan:
    """The portfolio of that seed; usage lies in the bill cycle of `at` and before it."""
    random = Random(seed)
    namer = Namer(random)
    partners = _partners(namer)
    customers = _customers(random, namer, seed, partners, size)
    batches = _coupon_batches(random, customers, size)
    shop = Shop(random, products)
    orders = _orders(random, shop, customers, batches)
    usage = {c.number: _usage(random, shop, c, seed, at) for c in customers if c.spends}
    return Plan(
        seed=seed,
        at=at,
        partners=partners,
        customers=customers,
        transfers=_transfers(random, customers, orders, usage),
        quotas=_quotas(),
        coupon_batches=batches,
        orders=orders,
        usage_batches=_batched(usage),
        unlinked=_unlinked(random, customers, size),
    )


def _partners(namer: Namer) -> tuple[Partner, ...]:
    made = [
        Partner(PROVIDER, "linghang-cloud", "领航云服务", "solution_provider", None, PARTNER_FUNDS),
        Partner(DISTRIBUTOR, "huachen-channel", "桦晨渠道", "distributor", None, PARTNER_FUNDS),
    ]
    for number in range(1, RESELLERS + 1):
        name = namer.company()
        account = f"{name.letters}-r{number}"
        made.append(
            Partner(f"reseller-{number}", account, name.shown, "reseller", DISTRIBUTOR,
                    PARTNER_FUNDS / 10)
        )  # fmt: skip
    return tuple(made)


def _customers(
    random: Random, namer: Namer, seed: int, partners: tuple[Partner, ...], size: Size
) -> tuple[Customer, ...]:
    managers = [Manager(f"am-{n:02}", namer.manager().shown) for n in range(1, MANAGERS + 1)]
    owners = [PROVIDER] * size.customers
    for partner in partners:
        if partner.kind == "reseller":
            owners += [partner.key] * size.per_reseller
    places = {owner: 0 for owner in owners}
    made = []
    for number, owner in enumerate(owners, 1):
        place, places[owner] = places[owner], places[owner] + 1
        made.append(_customer(random, namer, seed, number, owner, place, managers, size))
    return tuple(made)


def _customer(
    random: Random,
    namer: Namer,
    seed: int,
    number: int,
    owner: str,
    place: int,
    managers: list[Manager],
    size: Size,
) -> Customer:
    """The first of each partner authorize it: these are the ones with the most to see."""
    name = namer.customer()
    own = owner == PROVIDER
    authorizes = place < (size.authorizing if own else size.authorizing_per_reseller)
    spends = authorizes or (own and place < size.spending)
    certain = authorizes
    described = certain or random.random() < DESCRIBED_SHARE
    return Customer(
        number=number,
        owner=owner,
        xaccount_id=f"demo-{seed}-{number:05}",
        account_name=f"{name.letters}-{number:04}",
        name=name.shown if certain or random.random() < VERIFIED_SHARE else None,
        customer_type=name.customer_type,
        association_type="2" if spends or random.random() >= REFERRAL_SHARE else "1",
        label=random.choice(words.LABELS) if described else None,
        manager=random.choice(managers) if described else None,
        authorizes=authorizes,
        spends=spends,
    )


def _quotas() -> tuple[Quota, ...]:
    # For months and years alone: use on demand takes what may pay it, and orders are to have these.
    periods = {"charge_scenes": [0]}
    servers = {"cloud_service_types": ["hws.service.type.ec2", "hws.service.type.ebs"]}
    return (
        Quota("general", PROVIDER, 0, Decimal("500000.00"), periods),
        Quota("servers", PROVIDER, 0, Decimal("200000.00"), {**servers, **periods}),
        Quota("flexible", PROVIDER, 1, Decimal("100000.00"), periods),
        Quota("reseller", "reseller-1", 0, Decimal("50000.00"), periods),
        Quota(DISTRIBUTOR, DISTRIBUTOR, 0, Decimal("90000.00"), {}),
    )


def _coupon_batches(
    random: Random, customers: tuple[Customer, ...], size: Size
) -> tuple[CouponBatch, ...]:
    """Each of another face value, so that a coupon tells its batch."""
    own = [c.number for c in customers if c.owner == PROVIDER and c.authorizes]
    others = [c.number for c in customers if c.owner == PROVIDER and c.spends and not c.authorizes]
    resold = [c.number for c in customers if c.owner == "reseller-1" and c.authorizes]
    spread = random.sample(others, size.with_coupon)
    wanted: list[tuple[str, str, list[int]]] = [
        ("general", "20.00", sorted(random.sample(own, size.with_coupon))),
        ("general", "50.00", sorted(spread)),
        ("general", "100.00", sorted(random.sample(others, size.with_coupon // 2))),
        ("servers", "30.00", sorted(random.sample(own, size.with_coupon // 2))),
        ("flexible", "80.00", sorted(random.sample(own, size.with_coupon // 4))),
        ("reseller", "60.00", resold),
    ]
    return tuple(
        CouponBatch(
            number=number,
            quota=quota,
            face_value=Decimal(value),
            customers=tuple(members),
            recalled=tuple(members[::9]) if number != 1 else (),
        )
        for number, (quota, value, members) in enumerate(wanted, 1)
    )


def _orders(
    random: Random, shop: Shop, customers: tuple[Customer, ...], batches: tuple[CouponBatch, ...]
) -> tuple[Order, ...]:
    wanted = [
        customer.number
        for customer in customers
        if customer.authorizes
        for _ in range(random.randint(ORDERS_MIN, ORDERS_MAX))
    ]
    unused = set(batches[0].customers)
    made = []
    for number, customer in enumerate(wanted, 1):
        fate = random.choices(list(FATES), list(FATES.values()))[0]
        slow = fate == "paid" and random.random() < PROVISIONING_FOR_LONG_SHARE
        basket = shop.basket(takes_long=slow)
        coupon = None
        if fate == "paid" and customer in unused:
            unused.remove(customer)
            coupon = batches[0].number
        made.append(Order(number, customer, basket.lines, fate, basket.amount, coupon))
    return tuple(made)


def _usage(random: Random, shop: Shop, customer: Customer, seed: int, at: datetime) -> list[Usage]:
    count = random.randint(*USAGE_RECORDS_PER_CUSTOMER)
    mark = f"demo-{seed}-{customer.number:05}"
    this_cycle, _ = cycle_bounds(cycle_of(at))
    since = [this_cycle, *[used_since(at)] * (count - 1)]  # each has consumption this month
    return [
        shop.usage(f"{mark}-{n:02}", customer.number, begin, at) for n, begin in enumerate(since, 1)
    ]


def _transfers(
    random: Random,
    customers: tuple[Customer, ...],
    orders: tuple[Order, ...],
    usage: dict[int, list[Usage]],
) -> dict[int, Decimal]:
    """Enough for orders and usage, rounded up to hundreds.

    A few of those who order nothing fall short and owe a part of their usage.
    """
    ordered = {c.number: Decimal(0) for c in customers if c.spends}
    for order in orders:
        if order.fate == "paid":
            ordered[order.customer] += order.amount
    amounts = {}
    for number, paid in ordered.items():
        used = sum((record.amount for record in usage[number]), Decimal(0))
        if not paid and random.random() < SHORT_OF_MONEY_SHARE:
            amounts[number] = used // 2 + 1
        else:
            amounts[number] = ((paid + used) // 100 + random.randint(1, 20)) * 100
    return {number: amount.quantize(Decimal("0.01")) for number, amount in amounts.items()}


def _batched(usage: dict[int, list[Usage]]) -> tuple[tuple[Usage, ...], ...]:
    """By customer: batches that share few customers seldom wait for each other."""
    return tuple(in_batches([record for number in sorted(usage) for record in usage[number]],
                            USAGE_BATCH))  # fmt: skip


def _unlinked(random: Random, customers: tuple[Customer, ...], size: Size) -> tuple[int, ...]:
    """None that ordered or used anything: they may owe for it."""
    idle = [c.number for c in customers if c.owner == PROVIDER and not c.spends]
    return tuple(sorted(random.sample(idle, size.unlinked)))
