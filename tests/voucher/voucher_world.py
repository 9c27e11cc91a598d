"""The service beside `life_model`: each step is done to both, and both must say the same."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from httpx import Response
from sqlalchemy import text

from chassis.business_clock import BusinessClock
from chassis.identity import Principal
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import (
    LATER,
    RECLAIM,
    RESERVE,
    VoucherDoor,
    associated,
    failed,
    hear,
    joined,
    paid,
    reservation,
    switched,
    unlinked,
    wire,
)
from tests.voucher.life_model import NOT_ACTIVATED, Model, Paper, Person, Pool
from tests.voucher.test_recall_campaigns import CAMPAIGNS
from tests.voucher.test_restore_coupons import refunded
from voucher.coupons.expire_coupons import expire_coupons
from voucher.ledger.prove_ledger import prove_ledger
from voucher.recall_campaigns.run_campaigns import Campaigns

TO_MEMBER = "/v2/enterprises/multi-accounts/transfer-coupon"
BACK = "/v2/enterprises/multi-accounts/retrieve-coupon"
_BALANCES = text("""
    SELECT id, balance, status FROM coupons WHERE id = ANY(:ids)
    UNION ALL SELECT id, balance, quota_status FROM quotas WHERE id = ANY(:ids)
""")


@dataclass
class World:
    """A distributor with two resellers; customers of all three; an enterprise of the first."""

    door: VoucherDoor
    clock: StandingClock
    name: str
    model: Model = field(default_factory=Model)
    serial: int = 0
    touched: Paper | None = None  # whose history is read after the step

    def who(self, short: str) -> str:
        """A name of this world's own."""
        return f"{self.name}{short}"

    @property
    def distributor(self) -> Principal:
        return Principal(id=self.name, kind="distributor", partner_id=self.name)

    def next(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}{self.name.upper()}{self.serial}"

    async def begin(self) -> None:
        """100.00 in the distributor's quota, and one child."""
        below = {"distributor_id": self.name}
        await hear(self.door.database, joined(self.name, "distributor"))
        for short in ("r1", "r2"):
            await hear(self.door.database, joined(self.who(short), "reseller", **below))
        homes = {"c1": self.who("r1"), "c2": self.who("r2"), "m": self.name, "b": self.name}
        for short, home in homes.items():
            person = Person(self.who(short), home, home)
            self.model.people[short] = person
            await self._tell(person, associated)
        await self.grant(0, "100.00")
        await self.hand_out(1, "30.00")

    async def check(self) -> None:
        """The proof is empty, nothing is negative, balances are the model's, history adds up."""
        pools, papers = self.model.pools, self.model.papers
        wanted = {pool.quota_id: (pool.balance, pool.status) for pool in pools}
        wanted |= {paper.id: (paper.balance, paper.status) for paper in papers}
        async with self.door.database.transaction() as session:
            rows = await session.execute(_BALANCES, {"ids": list(wanted)})
            found = {row.id: (row.balance, row.status) for row in rows}
            proof = await prove_ledger(session, self.clock.now)
        assert found == wanted
        assert min(balance for balance, _ in found.values()) >= 0
        assert proof.differences == [], proof.differences
        if self.touched is not None:
            await self.check_history(self.touched)
        self.touched = None

    async def check_history(self, paper: Paper) -> None:
        """What became of it adds up to what it has."""
        answer = await self.door.get(f"/api/coupons/{paper.id}/history", ADMINISTRATOR)
        told = answer.json()
        moved = sum((Decimal(one["amount"]) for one in told["history"]), Decimal(0))
        assert moved == Decimal(told["balance"]) == paper.balance, told
        assert Decimal(told["history"][-1]["balance_after"]) == paper.balance

    # Quotas

    async def grant(self, _: int, amount: str) -> None:
        quota_id = await self.door.grant(amount, partner_id=self.name, expire_at=wire(LATER))
        self.model.pools.append(Pool(quota_id, self.name, Decimal(amount)))

    async def hand_out(self, pick: int, amount: str) -> None:
        top = self.model.pools[0]
        names = [self.who("r1"), self.who("r2")][: 1 + pick % 2]
        answer = await self.door.hand_out(top.quota_id, names, amount, by=self.distributor)
        agree(answer, self.model.hand_out(top, len(names), Decimal(amount)))
        for info in answer.json().get("simple_quota_infos", []):
            child = Pool(info["quota_id"], info["id"], Decimal(amount), top)
            self.model.pools.append(child)

    async def quota_back(self, pick: int, _: str) -> None:
        out = [paper.pool for paper in self.model.papers if paper.pool and paper.pool.parent]
        pool = out[pick % len(out)] if out and pick % 3 else self._pool(pick)
        answer = await self.door.take_back([pool.quota_id], self.distributor)
        agree(answer, self.model.quota_back(pool))

    async def adjust(self, pick: int, amount: str) -> None:
        pool = self._pool(pick)
        signed = Decimal(amount) * (1 if pick % 2 else -1)
        path = f"/api/quotas/{pool.quota_id}/adjustments"
        body = {"amount": f"{signed}", "reason": "model"}
        answer = await self.door.post(path, body, ADMINISTRATOR)
        agree(answer, self.model.adjust(pool, signed))

    async def set_status(self, pick: int, _: str) -> None:
        pool, status = self._pool(pick // 4), (0, 3, 4, 5)[pick % 4]
        answer = await self.door.set_status(pool.quota_id, status)
        agree(answer, self.model.set_status(pool, status))

    # Coupons and cards

    async def issue(self, pick: int, amount: str) -> None:
        pool, person = self._pool(pick), self._person(pick // 3)
        by_reseller = {"indirect_partner_id": pool.owner} if pool.owner != self.name else {}
        end = self.clock.now + timedelta(hours=1 + pick % 5)
        answer = await self.door.issue(
            pool.quota_id, [person.name], amount, self.distributor,
            expire_time=wire(end), **by_reseller,
        )  # fmt: skip
        agree(answer, self.model.issue(pool, person, Decimal(amount)))
        for info in answer.json().get("coupon_infos", []):
            self._have(
                Paper(info["coupon_id"], person, pool.owner, Decimal(amount), end, pool=pool)
            )

    async def give(self, pick: int, amount: str) -> None:
        """The vendor's own coupon, or a card; more often to the master."""
        person = self._person(pick) if pick % 3 else self.model.people["m"]
        is_card = pick % 4 == 1
        end = self.clock.now + timedelta(hours=2 + pick % 5)
        about = {"face_value": amount, "effective_at": wire(self.clock.now)}
        about["expire_at"] = wire(end)
        if is_card:
            body: dict[str, Any] = {"customer_id": person.name, "card_name": "a card"}
            answer = await self.door.post("/api/stored-value-cards", about | body, ADMINISTRATOR)
        else:
            body = {
                "holder_id": person.name, "coupon_type": 1, "origin": "activity",
                "activated": not pick % 3,
            }  # fmt: skip
            answer = await self.door.post("/api/coupons", about | body, ADMINISTRATOR)
        agree(answer, self.model.give(person, is_card=is_card))
        if not answer.is_error:
            told = answer.json()
            paper_id = told["card_id" if is_card else "coupon_id"]
            paper = Paper(paper_id, person, person.partner, Decimal(amount), end, is_card=is_card)
            if not body.get("activated", True):
                paper.status = NOT_ACTIVATED
            self._have(paper)

    async def activate(self, pick: int, _: str) -> None:
        waiting = [one for one in self.model.papers if one.status == NOT_ACTIVATED]
        if (paper := self._paper(pick, waiting)) is None:
            return
        holder = self._holder(paper)
        answer = await self.door.post(f"/api/coupons/{paper.id}/activation", {}, holder)
        agree(answer, self.model.activate(paper, self.clock.now))

    async def campaign(self, pick: int, _: str) -> None:
        """Whose coupons of a quota are seen, all of them, and are recalled as they were seen."""
        held = [paper.pool for paper in self.model.held() if paper.pool]
        pool = held[pick % len(held)] if held and pick % 3 else self._pool(pick)
        above = None if pool.owner == self.name else self.name
        kind = "distributor" if above is None else "reseller"
        owner = Principal(id=pool.owner, kind=kind, partner_id=pool.owner, distributor_id=above)
        body = {"filter": {"quota_id": pool.quota_id}}
        seen = (await self.door.post(CAMPAIGNS, body, owner)).json()
        path = f"{CAMPAIGNS}/{seen['campaign_id']}"
        wanted = self.model.campaign(pool, self.clock.now)
        assert (seen["count"], Decimal(seen["amount"])) == total(wanted)
        answer = await self.door.post(f"{path}/start", {"preview": seen["preview"]}, owner)
        assert answer.status_code == 202, answer.text
        await Campaigns(self.door.database, BusinessClock(self.clock, None).now).run()
        done = (await self.door.get(path, owner)).json()
        assert (done["status"], done["failed"]) == ("done", 0)
        assert (done["succeeded"], Decimal(done["recalled_amount"])) == total(wanted)
        self.touched = next((one for one in self.model.papers if one.id in dict(wanted)), None)

    async def reclaim(self, pick: int, _: str) -> None:
        if (paper := self._paper(pick)) is None:
            return
        body = {"coupon_id": paper.id}
        if paper.partner.startswith(f"{self.name}r"):
            body["indirect_partner_id"] = paper.partner
        answer = await self.door.post(RECLAIM, body, self.distributor)
        agree(answer, self.model.reclaim(paper, self.clock.now))

    async def freeze(self, pick: int, _: str) -> None:
        if (paper := self._paper(pick)) is None:
            return
        answer = await self.door.post(f"/api/coupons/{paper.id}/freezing", {}, ADMINISTRATOR)
        agree(answer, self.model.freeze(paper, self.clock.now))

    async def unfreeze(self, pick: int, _: str) -> None:
        frozen = [paper for paper in self.model.papers if paper.frozen]
        if (paper := self._paper(pick, frozen)) is None:
            return
        answer = await self.door.post(f"/api/coupons/{paper.id}/unfreezing", {}, ADMINISTRATOR)
        agree(answer, self.model.unfreeze(paper, self.clock.now))

    # Payments

    async def reserve(self, pick: int, amount: str) -> None:
        if (paper := self._paper(pick)) is None:
            return
        order = self.next("CS")
        body = reservation(f"a{order}", [], amount, order)
        body["customer_id"] = paper.holder.name
        body["coupons"] = [{"coupon_id": paper.id, "type": 303 if paper.is_card else 301}]
        answer = await self.door.post(RESERVE, body, self._holder(paper))
        agree(answer, self.model.reserve(paper, order, Decimal(amount), self.clock.now))

    async def capture(self, pick: int, _: str) -> None:
        if (paper := self._paper(pick, self.model.held())) is None:
            return
        event = paid(f"a{paper.order}", {paper.id: f"{paper.held:.2f}"}, paper.order)
        await self._hear(event, paper)
        self.model.capture(paper)

    async def release(self, pick: int, _: str) -> None:
        if (paper := self._paper(pick, self.model.held())) is None:
            return
        await self._hear(failed(f"a{paper.order}", paper.order), paper)
        self.model.let_go(paper)

    async def restore(self, pick: int, amount: str) -> None:
        due = [paper for paper in self.model.papers if any(paper.paid.values())]
        if (paper := self._paper(pick, due)) is None:
            return
        order = next(one for one, left in paper.paid.items() if left)
        given = min(Decimal(amount), paper.paid[order])
        event = refunded(self.next("f"), {paper.id: f"{given:.2f}"}, order)
        await self._hear(event, paper)
        self.model.restore(paper, order, given, self.clock.now)

    # Time, and who belongs to whom

    async def clock_moves(self, pick: int, _: str) -> None:
        self.clock.now += timedelta(minutes=30 * (1 + pick % 2))

    async def expire(self, _pick: int, _: str) -> None:
        await expire_coupons(self.door.database, self.clock.now)
        self.model.expire(self.clock.now)

    async def unlink(self, pick: int, _: str) -> None:
        person = self._person(pick)
        if not person.associated:
            return
        person.associated = False
        await self._tell(person, unlinked)
        self.model.recall(person, person.partner)

    async def switch(self, pick: int, _: str) -> None:
        """Between resale and referral; who is a referral customer is one mostly no longer."""
        people = list(self.model.people.values())
        referred = [one for one in people if one.type == "1"]
        person = referred[0] if referred and pick % 4 else self._person(pick)
        if not person.associated:
            return
        person.type = "1" if person.type == "2" else "2"
        await self._tell(person, switched)
        self.model.recall(person, person.partner)

    async def move(self, pick: int, _: str) -> None:
        """To the other reseller; who has left comes back to the one it began with."""
        person = self._person(pick % 2)
        before = person.partner
        if person.associated:
            person.partner = self.who("r2" if before == self.who("r1") else "r1")
        person.associated, person.type = True, "2"
        await self._tell(person, associated)
        if person.partner != before:
            self.model.recall(person, before)

    async def come_back(self, pick: int, _: str) -> None:
        person = self._person(pick)
        if not person.associated:
            person.associated = True
            await self._tell(person, associated)

    # Between the enterprise master and its member

    async def hand_over(self, pick: int, amount: str) -> None:
        of_master = [one for one in self.model.papers if one.holder is self.model.people["m"]]
        mine = [one for one in of_master if one.pool is None and not one.is_card] or of_master
        if (paper := self._paper(pick, mine)) is None:
            return
        master, member = self.model.people["m"], self.model.people["b"]
        body = {"customer_id": member.name, "coupon_id": paper.id, "amount": amount}
        answer = await self.door.post(TO_MEMBER, body, self._master())
        wanted = self.model.hand_over(paper, master, member, Decimal(amount), self.clock.now)
        agree(answer, wanted)
        if not wanted:
            sub_id = answer.json()["sub_coupon_id"]
            sub = Paper(sub_id, member, paper.partner, Decimal(amount), paper.end, main=paper)
            self._have(sub)

    async def take_back(self, pick: int, _: str) -> None:
        subs = [paper for paper in self.model.papers if paper.main is not None]
        if (paper := self._paper(pick, subs)) is None or paper.main is None:
            return
        body = {
            "customer_id": paper.holder.name, "coupon_id": paper.main.id, "sub_coupon_id": paper.id,
        }  # fmt: skip
        answer = await self.door.post(BACK, body, self._master())
        agree(answer, self.model.take_back(paper, self.clock.now))

    # What steps share

    def _master(self) -> Principal:
        return Principal(id=self.who("m"), kind="customer", partner_id=self.name)

    def _holder(self, paper: Paper) -> Principal:
        above = None if paper.holder.partner == self.name else self.name
        return Principal(
            id=paper.holder.name, kind="customer", partner_id=paper.holder.partner,
            distributor_id=above,
        )  # fmt: skip

    def _pool(self, pick: int) -> Pool:
        return self.model.pools[pick % len(self.model.pools)]

    def _person(self, pick: int) -> Person:
        people = list(self.model.people.values())
        return people[pick % len(people)]

    def _paper(self, pick: int, some: list[Paper] | None = None) -> Paper | None:
        """One of those, whose history is looked at afterwards."""
        papers = self.model.papers if some is None else some
        if pick % 5:  # mostly one that is good for something
            papers = [one for one in papers if one.is_free(self.clock.now)] or papers
        self.touched = papers[pick % len(papers)] if papers else None
        return self.touched

    def _have(self, paper: Paper) -> None:
        self.model.papers.append(paper)
        self.touched = paper

    async def _hear(self, event: Any, paper: Paper) -> None:
        told = {"customer_id": paper.holder.name, "occurred_at": self.clock.now}
        await hear(self.door.database, event.model_copy(update=told))

    async def _tell(self, person: Person, kind: Any) -> None:
        fields: dict[str, Any] = {
            "partner_id": person.partner,
            "distributor_id": None if person.partner == self.name else self.name,
            "association_type": person.type,
            "association_status": "associated" if person.associated else "unlinked",
            "occurred_at": self.clock.now,
        }
        if person.name == self.who("m"):
            fields["is_enterprise_master"] = True
        if person.name == self.who("b"):
            fields["enterprise_master_id"] = self.who("m")
        await hear(self.door.database, kind(person.name, person.version, **fields))
        person.version += 1


def total(recalled: list[tuple[str, Decimal]]) -> tuple[int, Decimal]:
    """How many, how much."""
    return len(recalled), sum((amount for _, amount in recalled), Decimal(0))


def agree(answer: Response, wanted: str) -> None:
    """The service refuses by the same code as the model, or as the model does not."""
    told = code_of(answer)[1] if answer.is_error else ""
    if not told and answer.content:
        errors = answer.json().get("error_details") or [{}]
        told = errors[0].get("error_code", "")
    assert told == wanted, answer.text
