"""The sweep: mirror an upstream's customers, page by page, each page one transaction.

Pages overlap: a window must show a customer that this sweep has seen, else the list has shifted and
the sweep steps back. Who was not seen at the end counts as unlinked only when a query by id finds
nobody. A killed sweep goes on from its last committed page, in whichever replica takes it up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.clock import WallClock
from chassis.crash import crash_point
from chassis.database import Database
from chassis.ids import new_id
from chassis.logs import get_logger
from chassis.tenancy import DISTRIBUTOR
from customer_sync.association.unlink_customer import end_authorization
from customer_sync.copies import Partner
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import ASSOCIATED, Customer
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep.facts import sweep_finished
from customer_sync.sweep.list_sweeps import eta_seconds
from customer_sync.sweep.mirror_customers import Owner, mirror_page, sighted
from customer_sync.sweep.models import FAILED, FINISHED, RUNNING, Sighting, Sweep
from customer_sync.sweep.start_sweep import take_sweep
from upstream import (
    CustomerPage,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)

log = get_logger(__name__)

PAGES, MISSING = "pages", "missing"
STEPS_BACK_MAX = 100  # an upstream without any order is read through once, and asked by id
MISSING_CUSTOMERS_MAX = 100  # looked up at once; each is asked for and settled by itself
RESELLERS_PAGE = 100
PROGRESS_EVERY_SECONDS = 5.0
CURRENCIES = {"china": "CNY", "international": "USD"}
GONE_CODES = frozenset({"CBC.99000000", "CBC.99000035"})  # not the partner's customer any more


class CustomerSource(Protocol):
    """What a sweep asks of an upstream (`upstream.Upstream`)."""

    requests_made: int

    async def list_sub_customers(
        self,
        *,
        offset: int = 0,
        limit: int = 100,
        customer_id: str | None = None,
        indirect_partner_id: str | None = None,
    ) -> CustomerPage:
        """A page."""

    async def list_resellers(self, *, offset: int = 0, limit: int = 100) -> list[str]:
        """A page of ids."""


class SweepLostError(Exception):
    """Another replica has taken the sweep up; what this one read is thrown away."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked next."""

    scope: int
    reseller: str | None
    cursor: int
    offset: int


class Sweeper:
    """One replica's part in sweeping; `work` is its schedule."""

    def __init__(self, settings: CustomerSyncSettings, clock: WallClock):
        self.source: CustomerSource | None = None  # from the application's start on
        self._settings, self._clock = settings, clock
        self._holder = new_id()
        self._told_at: datetime | None = None
        self._requests_told = 0

    async def work(self, database: Database, now: datetime) -> None:
        """Take a sweep that is due or abandoned, and go on with it until it ends or fails."""
        assert self.source, "the application was not started"
        sweep_id = await self._take(database, now)
        if sweep_id is None:
            return
        self._requests_told = self.source.requests_made
        try:
            while await self._step(database, sweep_id):
                pass
        except SweepLostError:
            log.warning("sweep lost to another replica", sweep=sweep_id)
        except UpstreamUnavailableError as failure:
            log.warning("upstream unavailable", sweep=sweep_id, error=str(failure))
            await self._note(database, sweep_id, str(failure))
        except UpstreamRefusedError as refusal:
            log.error("upstream refused", sweep=sweep_id, error=str(refusal))
            await self._note(database, sweep_id, str(refusal), failed=True)

    async def _take(self, database: Database, now: datetime) -> str | None:
        due_after = self._settings.sweep_every_seconds
        async with database.transaction() as session:
            sweep = await take_sweep(
                session, self._settings.mirror_partner_id, self._holder, now,
                due_after_seconds=due_after,
            )  # fmt: skip
            if sweep is not None:
                self._hold(sweep)
            return sweep.id if sweep else None

    def _hold(self, sweep: Sweep) -> None:
        lease = timedelta(seconds=self._settings.sweep_lease_seconds)
        sweep.holder, sweep.held_until = self._holder, self._clock() + lease

    async def _lock(self, session: AsyncSession, sweep_id: str) -> Sweep:
        """The sweep, still this replica's; its lease is renewed and its requests are counted."""
        sweep = await session.get(Sweep, sweep_id, with_for_update=True)
        if sweep is None or sweep.holder != self._holder or sweep.status != RUNNING:
            raise SweepLostError
        self._hold(sweep)
        made = self._source.requests_made
        sweep.requests_made += made - self._requests_told
        self._requests_told = made
        return sweep

    @property
    def _source(self) -> CustomerSource:
        assert self.source
        return self.source

    async def _step(self, database: Database, sweep_id: str) -> bool:
        """One page, or one round of missing customers; False when the sweep is at its end."""
        async with database.transaction() as session:
            sweep = await session.get_one(Sweep, sweep_id)
        if sweep.phase == MISSING:
            return await self._settle_missing(database, sweep)
        if sweep.resellers is None:
            await self._ask_resellers(database, sweep)
            return True
        await self._read_window(database, sweep)
        return True

    async def _ask_resellers(self, database: Database, sweep: Sweep) -> None:
        """A distributor's customers are its resellers' (docs/domain/partners.md B.1)."""
        async with database.transaction() as session:
            partner = await session.get(Partner, sweep.partner_id)
        found: list[str] = []
        while partner is not None and partner.kind == DISTRIBUTOR:
            page = await self._source.list_resellers(offset=len(found), limit=RESELLERS_PAGE)
            found += page
            if len(page) < RESELLERS_PAGE:
                break
        async with database.transaction() as session:
            (await self._lock(session, sweep.id)).resellers = found

    async def _read_window(self, database: Database, sweep: Sweep) -> None:
        window = self._window(sweep)
        page = await self._source.list_sub_customers(
            offset=window.offset,
            limit=self._settings.sweep_page_customers,
            indirect_partner_id=window.reseller,
        )
        crash_point("sweep.page_read")
        async with database.transaction() as session:
            locked = await self._lock(session, sweep.id)
            if await self._has_shifted(session, locked, window, page):
                self._step_back(locked, window)
            else:
                owner = await self._owner(session, window.reseller)
                await mirror_page(session, locked, owner, page, self._clock())
                self._advance(locked, window, page)
        crash_point("sweep.page_committed")
        self._tell(locked)

    def _window(self, sweep: Sweep) -> Window:
        reseller = (sweep.resellers or [])[sweep.scope - 1] if sweep.scope else None
        offset = max(0, sweep.cursor - self._settings.sweep_overlap_customers)
        return Window(sweep.scope, reseller, sweep.cursor, offset)

    async def _has_shifted(
        self,
        session: AsyncSession,
        sweep: Sweep,
        window: Window,
        page: CustomerPage,
    ) -> bool:
        """Customers left while we read: some between the last page and this would be missed."""
        if window.offset == 0 or sweep.steps_back >= STEPS_BACK_MAX:
            return False
        return not await sighted(session, sweep, page.customer_ids)

    def _step_back(self, sweep: Sweep, window: Window) -> None:
        """So that the next window ends where this one began."""
        settings = self._settings
        back = window.offset - settings.sweep_page_customers + settings.sweep_overlap_customers
        sweep.cursor = max(0, back)
        sweep.steps_back += 1

    def _advance(self, sweep: Sweep, window: Window, page: CustomerPage) -> None:
        sweep.pages_done += 1
        sweep.upstream_count = page.count
        sweep.cursor = window.offset + page.records
        if not self._is_last(window, page):
            return
        sweep.scope, sweep.cursor = window.scope + 1, 0
        if sweep.scope > len(sweep.resellers or []):
            sweep.phase = MISSING

    def _is_last(self, window: Window, page: CustomerPage) -> bool:
        """Nothing beyond what the last page had, or nothing beyond this one."""
        if page.records <= window.cursor - window.offset:
            return True
        if page.count is None:
            return page.records < self._settings.sweep_page_customers
        return window.offset + page.records >= page.count

    async def _owner(self, session: AsyncSession, reseller: str | None) -> Owner:
        """The local account, with site and currency; a reseller keeps its upstream's id."""
        mirror = self._settings.mirror_partner_id
        partner = await session.get(Partner, mirror)
        site = partner.site if partner else self._settings.upstream_site
        currency = partner.currency if partner else CURRENCIES[site]
        if reseller is not None:
            return Owner(reseller, mirror, site, currency)
        return Owner(mirror, partner.distributor_id if partner else None, site, currency)

    async def _settle_missing(self, database: Database, sweep: Sweep) -> bool:
        """Ask for each customer that no page showed; without any the sweep is finished."""
        async with database.transaction() as session:
            missing = await self._missing(session, sweep)
        if not missing:
            await self._finish(database, sweep.id)
            return False
        for customer_id, partner_id in missing:
            await self._settle_one(database, sweep.id, customer_id, partner_id)
        return True

    async def _missing(self, session: AsyncSession, sweep: Sweep) -> list[tuple[str, str]]:
        seen = exists().where(
            Sighting.customer_id == Customer.id, Sighting.sweep_number == sweep.number
        )
        ours = or_(
            Customer.partner_id == sweep.partner_id, Customer.distributor_id == sweep.partner_id
        )
        found = await session.execute(
            select(Customer.id, Customer.partner_id)
            .where(ours, Customer.mirrored, Customer.association_status == ASSOCIATED, ~seen)
            .limit(MISSING_CUSTOMERS_MAX)
        )
        return [(row.id, row.partner_id) for row in found]

    async def _settle_one(
        self, database: Database, sweep_id: str, customer_id: str, partner_id: str
    ) -> None:
        reseller = None if partner_id == self._settings.mirror_partner_id else partner_id
        told = await self._query_by_id(customer_id, reseller)
        async with database.transaction() as session:
            sweep = await self._lock(session, sweep_id)
            if told.customer_ids:
                owner = await self._owner(session, reseller)
                await mirror_page(session, sweep, owner, told, self._clock())
            else:
                await self._unlink(session, sweep, customer_id)
        crash_point("sweep.missing_settled")

    async def _query_by_id(self, customer_id: str, reseller: str | None) -> CustomerPage:
        """What the upstream says of this customer alone; an empty page when it knows none."""
        try:
            page = await self._source.list_sub_customers(
                limit=1, customer_id=customer_id, indirect_partner_id=reseller
            )
        except UpstreamRefusedError as refusal:
            if refusal.code in GONE_CODES:
                return CustomerPage((), None, 0)
            raise
        return page.only(customer_id)

    async def _unlink(self, session: AsyncSession, sweep: Sweep, customer_id: str) -> None:
        customer = await session.get_one(Customer, customer_id, with_for_update=True)
        now = self._clock()
        if customer.association_status != ASSOCIATED:
            return
        fact = customer_fact(customer.unlink(now), customer, now)
        await end_authorization(session, customer, now)
        outbox.publish(session, fact)
        sweep.customers_changed += 1

    async def _finish(self, database: Database, sweep_id: str) -> None:
        async with database.transaction() as session:
            sweep = await self._lock(session, sweep_id)
            sweep.status, sweep.finished_at, sweep.last_error = FINISHED, self._clock(), None
            outbox.publish(session, sweep_finished(sweep, sweep.finished_at))
        log.info(
            "sweep finished", sweep=sweep_id, seen=sweep.customers_seen,
            changed=sweep.customers_changed, requests=sweep.requests_made,
        )  # fmt: skip

    async def _note(
        self, database: Database, sweep_id: str, error: str, *, failed: bool = False
    ) -> None:
        """Keep the reason; an unavailable upstream is asked again, one that refuses is not."""
        async with database.transaction() as session:
            sweep = await self._lock(session, sweep_id)
            sweep.last_error = error
            if failed:
                sweep.status, sweep.finished_at = FAILED, self._clock()

    def _tell(self, sweep: Sweep) -> None:
        """Progress in the log, every few seconds."""
        now = self._clock()
        every = timedelta(seconds=PROGRESS_EVERY_SECONDS)
        if self._told_at is not None and now - self._told_at < every:
            return
        self._told_at = now
        log.info(
            "sweep progress", sweep=sweep.id, pages=sweep.pages_done, seen=sweep.customers_seen,
            changed=sweep.customers_changed, upstream=sweep.upstream_count,
            eta_seconds=eta_seconds(sweep, now),
        )  # fmt: skip
