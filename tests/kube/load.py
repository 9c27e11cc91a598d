"""Clients that go on while a cluster is changed: each failed call and each improper end is kept."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import httpx

from tests.flows.cast import Caller, Stage
from wire.json import loads

POLL_SECONDS = 25
ANSWER_SECONDS_MAX = 40.0
HEARD_SECONDS = 60.0
# A request that is signed in the same second with the same body is the same request: none are.
CENTS_MAX = 100
TRANSFERS = "/v2/accounts/partner-accounts/adjust-amount"
CUSTOMERS = "/api/customers?limit=5"


@dataclass
class Seen:
    """What the clients met."""

    calls: int = 0
    transfers: int = 0
    moved: Decimal = Decimal(0)
    unsure: Decimal = Decimal(0)  # asked for, and nobody knows what came of it
    polls: int = 0
    streams: int = 0
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, answer: httpx.Response | Exception, seconds: float) -> bool:
        """Count one call; True when it succeeded."""
        good = isinstance(answer, httpx.Response) and answer.is_success
        with self._lock:
            self.calls += 1
            self.slowest_seconds = max(self.slowest_seconds, seconds)
            if not good:
                text = answer.text if isinstance(answer, httpx.Response) else repr(answer)
                self.failures.append(f"{time.strftime('%H:%M:%S')} {what}: {text[:300]}")
        return good

    def __str__(self) -> str:
        told = f"{len(self.failures)} of {self.calls} calls failed"
        told += f", {self.transfers} of them transfers, {self.polls} long polls"
        return told + f", {self.streams} streams; the slowest took {self.slowest_seconds:.1f} s"


@contextmanager
def under_load(
    stage: Stage, partner: Caller, customer_id: str, *, losses: bool = False
) -> Iterator[Seen]:
    """Three signing clients without retries, a long poll and a console's stream within the block.

    `losses`: what is in flight at a process that is killed is lost, but no cent that was answered.

    Raises:
        AssertionError: a call failed, or the account does not have what the transfers moved.
    """
    seen, over = Seen(), threading.Event()
    before = _balance(partner, customer_id)
    works: list[Callable[[], None]] = [
        lambda: _read(seen, over, partner),
        lambda: _transfer(seen, over, partner, customer_id),
        lambda: _connect_anew(seen, over, partner),
        lambda: _poll(seen, over, partner),
        lambda: _watch(seen, over, stage),
    ]
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(ANSWER_SECONDS_MAX + 5)
    assert losses or not seen.failures, f"{seen}\n" + "\n".join(seen.failures[:20])
    moved = _moved(partner, customer_id, before, seen)
    assert seen.moved <= moved <= seen.moved + seen.unsure, (
        f"{moved} moved; {seen.moved} was answered, and {seen.unsure} had no answer"
    )


def _balance(partner: Caller, customer_id: str) -> Decimal:
    accounts = partner.get(f"/api/customers/{customer_id}")["balances"]
    return sum(
        (Decimal(one["balance"]) for one in accounts if one["account_type"] == 1), Decimal(0)
    )


def _moved(partner: Caller, customer_id: str, before: Decimal, seen: Seen) -> Decimal:
    """What came by now; the page of a customer hears of it by events."""
    give_up_at = time.monotonic() + HEARD_SECONDS
    while (moved := _balance(partner, customer_id) - before) < seen.moved:
        if time.monotonic() > give_up_at:
            break
        time.sleep(0.5)
    return moved


def _ask(seen: Seen, client: httpx.Client, caller: Caller, method: str, path: str,
         content: object = None, **headers: str) -> httpx.Response | None:  # fmt: skip
    started = time.monotonic()
    answer: httpx.Response | Exception
    try:
        answer = client.send(caller.request(client, method, path, content, **headers))
    except httpx.HTTPError as failure:
        answer = failure
    good = seen.note(f"{method} {path}", answer, time.monotonic() - started)
    return answer if good and isinstance(answer, httpx.Response) else None


def _client() -> httpx.Client:
    return httpx.Client(timeout=ANSWER_SECONDS_MAX)


def _read(seen: Seen, over: threading.Event, caller: Caller) -> None:
    with _client() as client:
        while not over.wait(0.05):
            _ask(seen, client, caller, "GET", CUSTOMERS)


def _transfer(seen: Seen, over: threading.Event, caller: Caller, customer_id: str) -> None:
    with _client() as client:
        while not over.wait(0.1):
            amount = Decimal(seen.transfers % CENTS_MAX + 1) / 100
            content = {"customer_id": customer_id, "amount": str(amount)}
            if _ask(seen, client, caller, "POST", TRANSFERS, content):
                seen.transfers += 1
                seen.moved += amount
            else:
                seen.unsure += amount


def _connect_anew(seen: Seen, over: threading.Event, caller: Caller) -> None:
    while not over.wait(0.1):
        with _client() as client:
            _ask(seen, client, caller, "GET", CUSTOMERS)


def _poll(seen: Seen, over: threading.Event, caller: Caller) -> None:
    after = "latest"
    with _client() as client:
        while not over.is_set():
            path = f"/api/events?after={after}&wait_seconds={POLL_SECONDS}&types=order.*"
            if answer := _ask(seen, client, caller, "GET", path):
                after = str(loads(answer.content)["next"])
                seen.polls += 1
            else:
                over.wait(0.2)


def _watch(seen: Seen, over: threading.Event, stage: Stage) -> None:
    with httpx.Client(base_url=stage.gateway, timeout=ANSWER_SECONDS_MAX) as client:
        form = client.get("/ops/sign-in").text
        csrf = re.search(r'name="csrf" value="([^"]+)"', form)
        told = {"way": "token", "token": stage.system.admin_token, "csrf": csrf[1] if csrf else ""}
        seen.note("POST /ops/sign-in", _unless_refused(client.post("/ops/sign-in", data=told)), 0)
        while not over.is_set():
            try:
                with client.stream("GET", "/ops/live") as stream:
                    stream.raise_for_status()
                    for _ in stream.iter_lines():
                        if over.is_set():
                            return
                seen.streams += 1
            except httpx.HTTPError as failure:
                seen.note("GET /ops/live", failure, 0)
                over.wait(0.2)


def _unless_refused(answer: httpx.Response) -> httpx.Response | Exception:
    """Who is signed in is sent to another page."""
    there = answer.headers.get("location") == "/ops"
    return httpx.Response(200) if there else httpx.HTTPError(f"not signed in: {answer.status_code}")
