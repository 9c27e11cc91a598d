"""A plain model of vouchers: quotas, coupons, cards, sub-coupons, and who belongs to whom.

It knows no ledger, no lock and no table; `voucher_world` does the same to the service.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

NOTHING = Decimal(0)
NOT_ACTIVATED, USABLE, USED, EXPIRED, RECLAIMED = 1, 2, 3, 4, 5
ALIVE = (NOT_ACTIVATED, USABLE)
NORMAL, TAKEN_BACK = 0, 6
WAYS = {0: {0, 3, 4, 5}, 3: {3}, 4: {0, 4}, 5: {0, 5}, 6: set[int]()}
CODE = "CBC.{}".format
NOT_USABLE, MOVE_FAILED = CODE("99003112"), CODE("99000043")
TOO_LITTLE, WRONG_STATUS, FOREIGN = CODE("99000013"), CODE("99000012"), CODE("99000035")
NO_RESALE, CONFLICT = CODE("99000014"), "CHB.0409"


@dataclass
class Person:
    """A customer: whose it is, and how."""

    name: str
    home: str  # the partner that it began with
    partner: str = ""
    type: str = "2"
    associated: bool = True
    version: int = 1

    def is_resale_of(self, partner: str) -> bool:
        return self.partner == partner and self.associated and self.type == "2"


@dataclass
class Pool:
    """A quota."""

    quota_id: str
    owner: str
    balance: Decimal
    parent: "Pool | None" = None
    status: int = NORMAL

    def take_back(self, amount: Decimal) -> None:
        """Past those that were taken back."""
        if self.status == TAKEN_BACK and self.parent is not None:
            self.parent.take_back(amount)
        else:
            self.balance += amount


@dataclass
class Paper:
    """A coupon, a card (`is_card`) or a sub-coupon (`main`); no pool: the vendor's own."""

    id: str
    holder: Person
    partner: str
    balance: Decimal
    end: datetime
    pool: Pool | None = None
    is_card: bool = False
    main: "Paper | None" = None
    status: int = USABLE
    frozen: bool = False
    held: Decimal | None = None
    order: str = ""
    recall_due: bool = False
    paid: dict[str, Decimal] = field(default_factory=dict)  # order → what refunds may give back

    def is_over(self, now: datetime) -> bool:
        return self.status in ALIVE and self.end <= now

    def is_free(self, now: datetime) -> bool:
        return self.status == USABLE and not self.is_over(now) and self.held is None

    def return_to_pool(self, amount: Decimal) -> None:
        if self.pool is not None:
            self.pool.take_back(amount)

    def finish(self, status: int) -> None:
        """It ends; what is left goes where it came from."""
        self.return_to_pool(self.balance)
        self.balance, self.status, self.recall_due = NOTHING, status, False

    def spend(self, amount: Decimal) -> None:
        self.balance -= amount
        if self.balance == 0:
            self.status = USED

    def receive(self, amount: Decimal) -> None:
        self.balance += amount
        if self.status == USED:
            self.status = USABLE

    def may_be_restored(self, now: datetime) -> bool:
        if self.status not in (USABLE, USED) or self.end <= now:
            return False
        return self.is_card or (not self.recall_due and self.holder.is_resale_of(self.partner))


@dataclass
class Model:
    """All of it."""

    people: dict[str, Person] = field(default_factory=dict)
    pools: list[Pool] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)

    # Quotas

    def hand_out(self, top: Pool, count: int, amount: Decimal) -> str:
        if top.status != NORMAL:
            return CODE("99000015")
        if count * amount > top.balance:
            return TOO_LITTLE
        top.balance -= count * amount
        return ""

    def quota_back(self, pool: Pool) -> str:
        if pool.parent is None or pool.status == TAKEN_BACK:
            return WRONG_STATUS
        pool.parent.take_back(pool.balance)
        pool.balance, pool.status = NOTHING, TAKEN_BACK
        return ""

    def adjust(self, pool: Pool, amount: Decimal) -> str:
        if pool.status != 4:
            return CONFLICT
        above = pool.parent
        if pool.balance + amount < 0 or (above is not None and above.balance < amount):
            return TOO_LITTLE
        pool.balance += amount
        if above is not None:
            above.take_back(-amount)
        return ""

    def set_status(self, pool: Pool, status: int) -> str:
        if status not in WAYS[pool.status]:
            return CONFLICT
        pool.status = status
        return ""

    # Coupons

    def issue(self, pool: Pool, person: Person, amount: Decimal) -> str:
        if pool.status != NORMAL:
            return WRONG_STATUS
        if person.partner != pool.owner or not person.associated:
            return FOREIGN
        if person.type != "2":
            return NO_RESALE
        if amount > pool.balance:
            return TOO_LITTLE
        pool.balance -= amount
        return ""

    def give(self, person: Person, *, is_card: bool) -> str:
        """Of the vendor's own: a coupon, or a card, which any associated customer may have."""
        if not person.associated:
            return FOREIGN
        return "" if is_card or person.type == "2" else NO_RESALE

    def reclaim(self, paper: Paper, now: datetime) -> str:
        if paper.pool is None:
            return CODE("0150")
        if not paper.is_free(now):
            return CODE("0155")
        if paper.holder.type != "2":
            return NO_RESALE
        paper.finish(RECLAIMED)
        return ""

    def campaign(self, pool: Pool, now: datetime) -> list[tuple[str, Decimal]]:
        """Which of the quota's coupons are taken back, and with how much."""
        mine = [paper for paper in self.papers if paper.pool is pool]
        had = {paper.id: paper.balance for paper in mine}
        return sorted((one.id, had[one.id]) for one in mine if not self.reclaim(one, now))

    def activate(self, paper: Paper, now: datetime) -> str:
        if paper.status != NOT_ACTIVATED or paper.is_over(now):
            return CONFLICT
        paper.status = USABLE
        return ""

    def freeze(self, paper: Paper, now: datetime) -> str:
        if paper.is_card:
            return "CHB.0404"
        if paper.status not in ALIVE or paper.is_over(now) or paper.frozen:
            return CONFLICT
        paper.frozen = True
        return ""

    def unfreeze(self, paper: Paper, now: datetime) -> str:
        if paper.is_card:
            return "CHB.0404"
        if paper.status not in ALIVE or paper.is_over(now) or not paper.frozen:
            return CONFLICT
        paper.frozen = False
        return ""

    # Payments

    def reserve(self, paper: Paper, order: str, amount: Decimal, now: datetime) -> str:
        theirs = paper.is_card or paper.holder.is_resale_of(paper.partner)
        if not theirs or not paper.is_free(now) or paper.frozen:
            return NOT_USABLE
        paper.held, paper.order = min(amount, paper.balance), order
        return ""

    def capture(self, paper: Paper) -> None:
        assert paper.held is not None
        paper.paid[paper.order] = paper.held
        paper.spend(paper.held)
        self.let_go(paper)

    def let_go(self, paper: Paper) -> None:
        paper.held = None
        if paper.recall_due and paper.status == USABLE:
            paper.finish(RECLAIMED)

    def restore(self, paper: Paper, order: str, amount: Decimal, now: datetime) -> None:
        paper.paid[order] -= amount
        if paper.may_be_restored(now):
            paper.receive(amount)
        else:
            paper.return_to_pool(amount)

    def expire(self, now: datetime) -> None:
        for paper in self.papers:
            if paper.is_over(now) and paper.held is None:
                paper.finish(EXPIRED)

    # Who belongs to whom

    def recall(self, person: Person, partner: str) -> None:
        for paper in self.papers:
            mine = paper.holder is person and paper.partner == partner and not paper.is_card
            if mine and paper.status in ALIVE:
                if paper.held is None:
                    paper.finish(RECLAIMED)
                else:
                    paper.recall_due = True

    # Between an enterprise master and its member

    def hand_over(self, paper: Paper, master: Person, member: Person, amount: Decimal,
                  now: datetime) -> str:  # fmt: skip
        ours = paper.holder is master and paper.pool is None and not paper.is_card
        both = master.is_resale_of(paper.partner) and member.is_resale_of(paper.partner)
        if not ours or not both or not paper.is_free(now) or paper.frozen or paper.recall_due:
            return MOVE_FAILED
        if amount > paper.balance:
            return MOVE_FAILED
        paper.spend(amount)
        return ""

    def take_back(self, paper: Paper, now: datetime) -> str:
        main = paper.main
        if main is None or not paper.is_free(now) or paper.frozen or paper.recall_due:
            return MOVE_FAILED
        if main.status not in (USABLE, USED) or main.recall_due:
            return MOVE_FAILED
        if not main.holder.is_resale_of(main.partner):
            return MOVE_FAILED
        main.receive(paper.balance)
        paper.balance, paper.status = NOTHING, RECLAIMED
        return ""

    # What can be done

    def held(self) -> list[Paper]:
        return [paper for paper in self.papers if paper.held is not None]

    def can(self, kind: str, now: datetime) -> int:
        """How much sooner than others: 0 where there is nothing to do, more in a rare moment."""
        papers = self.papers
        match kind:
            case "reserve" | "reclaim" | "freeze":
                return min(1, len(papers))
            case "unfreeze":
                return int(any(paper.frozen for paper in papers))
            case "activate":
                return int(any(paper.status == NOT_ACTIVATED for paper in papers))
            case "capture" | "release":
                return min(1, len(self.held()))
            case "restore":
                return int(any(any(paper.paid.values()) for paper in papers))
            case "take_back":
                return int(any(paper.main is not None for paper in papers))
            case "come_back":
                return int(not all(person.associated for person in self.people.values()))
            case "clock_moves":
                return 3 if self.held() else 1
            case "expire":
                return 9 if any(one.is_over(now) for one in self.held()) else 1
        return 1
