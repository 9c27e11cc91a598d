"""A test double of the network peers: a real HTTP server with voucher's and billing's answers.

It plays the edges of the protocol (refusals, silence, answers that cannot be right). What it
answers by itself, the real services answer: `test_peers_as_they_are.py` asks both the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

COUPON_TYPES = {301: 1, 302: 4}  # as payments say them → as lists do (docs/domain/coupons.md B.7)
NOT_USABLE = (400, "CBC.99003112")

Content = dict[str, Any]
Hook = Callable[[Content], Awaitable[None]]


class PeerDouble:
    """Answers `/internal/quotes`, `/internal/reservations` and `/internal/holds`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Content]] = []
        self.currency = "CNY"
        self.official = Decimal("100.00")  # of one piece for one period
        self.discount = Decimal("15.00")
        self.marketplace: set[str] = set()  # service types
        self.provisioning_seconds = 2
        self.coupons: dict[str, tuple[int, str]] = {}  # id → type as in lists, amount
        self.credit = Decimal("0.00")  # part of a hold that is taken from credit
        self.refusals: dict[str, tuple[int, str]] = {}  # path → status, code
        self.silent: set[str] = set()  # paths that answer too late
        self.answers: dict[str, Content] = {}  # path → what is answered instead
        self.before: dict[str, Hook] = {}  # path → what happens before the answer
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port of the loopback."""
        app = web.Application()
        app.router.add_post("/internal/quotes", self._answering(self._quote))
        app.router.add_post("/internal/reservations", self._answering(self._reserve))
        app.router.add_post("/internal/holds", self._answering(self._hold))
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening."""
        assert self._runner is not None
        await self._runner.cleanup()

    def asked(self, path: str) -> list[Content]:
        """The bodies that came to a path."""
        return [content for called, content in self.calls if called == path]

    def _answering(
        self, make: Callable[[Content], Content]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            content = await request.json()
            self.calls.append((request.path, content))
            if hook := self.before.get(request.path):
                await hook(content)
            if request.path in self.silent:
                await asyncio.sleep(30)
            if refusal := self.refusals.get(request.path) or self._refuses(request.path, content):
                status, code = refusal
                body = {"code": code, "refusal_detail": "as the test wants it", "status": status}
                return web.json_response(body, status=status)
            if request.path in self.answers:
                return web.json_response(self.answers[request.path])
            return web.json_response(make(content))

        return answer

    def _quote(self, content: Content) -> Content:
        return {"currency": self.currency, "lines": [self._priced(x) for x in content["lines"]]}

    def _priced(self, line: Content) -> Content:
        times = line["quantity"] * (line["period_num"] or 1)
        return {
            "product_id": f"product of {line['resource_spec_code']}",
            "service_type_name": f"name of {line['service_type_code']}",
            "resource_type_name": f"name of {line['resource_type_code']}",
            "official_amount": str(self.official * times),
            "discount_amount": str(self.discount * times),
            "amount_after_discount": str((self.official - self.discount) * times),
            "is_marketplace": line["service_type_code"] in self.marketplace,
            "provisioning_seconds": self.provisioning_seconds,
        }

    def _refuses(self, path: str, content: Content) -> tuple[int, str] | None:
        """Voucher takes coupons that there are, by their own type, and one of each type."""
        asked = content.get("coupons", []) if path == "/internal/reservations" else []
        there = [
            COUPON_TYPES.get(one["type"])
            for one in asked
            if self.coupons.get(one["coupon_id"], (None,))[0] == COUPON_TYPES.get(one["type"])
        ]
        return None if len(set(there)) == len(asked) else NOT_USABLE

    def _reserve(self, content: Content) -> Content:
        reserved = []
        for coupon in content["coupons"]:
            coupon_type, amount = self.coupons[coupon["coupon_id"]]
            reserved.append(
                {"coupon_id": coupon["coupon_id"], "coupon_type": coupon_type, "amount": amount}
            )
        return {"coupons": reserved}

    def _hold(self, content: Content) -> Content:
        credit = min(self.credit, Decimal(content["amount"]))
        cash = Decimal(content["amount"]) - credit
        return {"cash_amount": str(cash), "credit_amount": str(credit)}
