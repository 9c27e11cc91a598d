"""A test double of the network peers: a real HTTP server with voucher's and billing's answers.

It plays the edges of the protocol (refusals, silence, answers that cannot be right). What it
answers by itself, the real services answer: `test_peers_as_they_are.py` asks both the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from aiohttp import web

COUPON_TYPES = {
    300: 2,
    301: 1,
    302: 4,
    303: 5,
}  # as payments say them → as lists do (docs/domain/coupons.md B.7)
DISCOUNT, FLEXI, CENT = 2, 4, Decimal("0.01")
NOT_SOLD = (400, "CBC.99006006")
NOT_USABLE = (400, "CBC.99003112")

Content = dict[str, Any]
Hook = Callable[[Content], Awaitable[None]]


class PeerDouble:
    """Answers quotes, reservations, holds, and what coupons and money would pay."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Content]] = []
        self.currency = "CNY"
        self.official = Decimal("100.00")  # of one piece for one period
        self.discount = Decimal("15.00")
        # Other prices by specification, of one piece or unit of size
        self.prices: dict[str, Decimal] = {}
        self.sizeless = False  # whether nothing is sold by size
        self.marketplace: set[str] = set()  # service types
        self.unsold: set[str] = set()  # service types that no price is known of
        self.provisioning_seconds = 2
        self.packages: dict[str, Content] = {}  # specification → what its package holds
        self.offers: list[Content] = []  # discounts that every quote offers
        self.coupons: dict[str, tuple[int, str]] = {}  # id → type as in lists, amount or ratio
        self.covers: dict[str, set[str]] = {}  # coupon → the services whose lines it may pay
        self.ends: dict[str, str] = {}  # coupon → when it ends, where that matters
        self.money = Decimal(10**9)  # what cash and credit can hold, as options say it
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
        app.router.add_post("/internal/funds-checks", self._answering(lambda _: {}))
        app.router.add_post("/internal/coupon-options", self._answering(self._coupon_options))
        app.router.add_post("/internal/hold-options", self._answering(self._hold_options))
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
        lines = [self._priced(line) for line in content["lines"]]
        return {"currency": self.currency, "lines": lines, "discounts": self.offers}

    def _priced(self, line: Content) -> Content:
        times = line["quantity"] * (line["period_num"] or 1)
        spec = line["resource_spec_code"]
        official, discount = self.prices.get(spec, self.official), self.discount
        if size := line.get("measure_size"):
            official *= Decimal(size) if spec in self.prices else 1
        if line.get("amount") is not None:
            official, discount, times = Decimal(line["amount"]), Decimal("0.00"), 1
        return {
            "product_id": f"product of {line['resource_spec_code']}",
            "service_type_name": f"name of {line['service_type_code']}",
            "resource_type_name": f"name of {line['resource_type_code']}",
            "official_amount": str(official * times),
            "discount_amount": str(discount * times),
            "amount_after_discount": str((official - discount) * times),
            "is_marketplace": line["service_type_code"] in self.marketplace,
            "provisioning_seconds": self.provisioning_seconds,
            "product_spec_desc": f"words for {line['resource_spec_code']}",
            "size_measure_id": 17 if line.get("measure_size") and not self.sizeless else None,
            "package": self.packages.get(line["resource_spec_code"]),
        }

    def _refuses(self, path: str, content: Content) -> tuple[int, str] | None:
        """Voucher takes coupons that there are, by their own type, and one of each type.

        Billing knows no price of what is not sold.
        """
        wanted = content.get("lines", []) if path == "/internal/quotes" else []
        if any(line["service_type_code"] in self.unsold for line in wanted):
            return NOT_SOLD
        asked = content.get("coupons", []) if path == "/internal/reservations" else []
        there = [
            COUPON_TYPES.get(one["type"])
            for one in asked
            if self.coupons.get(one["coupon_id"], (None,))[0] == COUPON_TYPES.get(one["type"])
        ]
        return None if len(set(there)) == len(asked) else NOT_USABLE

    def _reserve(self, content: Content) -> Content:
        """Each coupon pays its lines in their order, all of them unless `covers` names some."""
        owed = {x["line_id"]: Decimal(x["amount_after_discount"]) for x in content["lines"]}
        services = {x["line_id"]: x["service_type_code"] for x in content["lines"]}
        reserved = []
        for asked in content["coupons"]:
            coupon_id = asked["coupon_id"]
            coupon_type, amount = self.coupons[coupon_id]
            parts, left = [], Decimal(amount)
            if coupon_type == DISCOUNT:
                left = Decimal(10**9)
            for line_id in owed:
                part = min(left, owed[line_id])
                if coupon_type == DISCOUNT:
                    part -= (owed[line_id] * Decimal(amount)).quantize(CENT, ROUND_DOWN)
                if part and services[line_id] in self.covers.get(coupon_id, {services[line_id]}):
                    parts.append({"line_id": line_id, "amount": str(part)})
                    owed[line_id] -= part
                    left -= part
            paid = str(sum((Decimal(part["amount"]) for part in parts), Decimal("0.00")))
            about = {"coupon_id": coupon_id, "coupon_type": coupon_type}
            reserved.append({**about, "amount": paid, "lines": parts})
        return {"coupons": reserved}

    def _hold(self, content: Content) -> Content:
        credit = min(self.credit, Decimal(content["amount"]))
        cash = Decimal(content["amount"]) - credit
        return {"cash_amount": str(cash), "credit_amount": str(credit)}

    def _coupon_options(self, content: Content) -> Content:
        """All coupons are usable; none, each alone, and each cash coupon with each flexi coupon."""
        return {"pricings": [self._rated(x, content["options_max"]) for x in content["pricings"]]}

    def _rated(self, pricing: Content, options_max: int) -> Content:
        usable = [
            {"coupon_id": coupon_id, "coupon_type": kind,
             "balance": "0.00" if kind == DISCOUNT else amount,
             "expire_at": self.ends.get(coupon_id, "2027-01-01T00:00:00+00:00")}
            for coupon_id, (kind, amount) in self.coupons.items()
        ]  # fmt: skip
        flexi = [x for x in usable if x["coupon_type"] == FLEXI]
        others = [x for x in usable if x["coupon_type"] != FLEXI]
        sets: list[list[Content]] = [[], *([x] for x in usable)]
        sets += [[one, other] for one in others for other in flexi]
        options = [self._pays(pricing["lines"], coupons) for coupons in sets]
        found = options[:options_max]
        more = len(options) > options_max
        return {"usable": usable, "refused": [], "options": found, "has_more": more}

    def _pays(self, lines: list[Content], coupons: list[Content]) -> list[Content]:
        left = sum((Decimal(line["amount_after_discount"]) for line in lines), Decimal("0.00"))
        paid = []
        for coupon in coupons:
            amount = min(left, Decimal(coupon["balance"]))
            if coupon["coupon_type"] == DISCOUNT:
                ratio = Decimal(self.coupons[coupon["coupon_id"]][1])
                amount = left - (left * ratio).quantize(CENT, ROUND_DOWN)
            left -= amount
            paid.append(coupon | {"amount": str(amount)})
        return paid

    def _hold_options(self, content: Content) -> Content:
        return {"covered": [Decimal(amount) <= self.money for amount in content["amounts"]]}
