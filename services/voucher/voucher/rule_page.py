"""Writes `docs/coupon-rules.md`: every rule about coupons and quotas, as the code has it.

`python -m voucher.rule_page` writes it anew; a test finds that it is not what the code says.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from chassis.tenancy import NotOwnResellerError
from voucher.coupons.rule_words import RULES, TOGETHER
from voucher.quotas.limit_words import LIMITS
from wire.codes import CHINESE, ENGLISH, code

PAGE = Path("docs/coupon-rules.md")
_PACKAGE = Path(__file__).parent
_is_code = re.compile(r'"((?:CBC|CHB)\.\d+)"').findall
# Who acts for a reseller, or names one: `chassis.tenancy` refuses who is no reseller of the caller.
_names_reseller = re.compile(r"\b(acted_for\(|NotOwnResellerError)").search
# Room → what is refused there.
ROOMS = {
    "coupons": "Issue, activation, freezing, reclaim",
    "coupon_issues": "Issue in bulk",
    "recall_campaigns": "Recall campaigns",
    "quotas": "Quotas: grant, change, hand-out, reclaim",
    "attempts": "Payment",
    "partner_vouchers": "Partner vouchers",
    "applications": "Applications for test coupons",
    "cards": "Stored value cards",
    "transfers": "Between enterprise master and member",
    "find_partner.py": "The partner account that acts",
}
_HEAD = """# Rules of coupons and quotas

Written by `python -m voucher.rule_page` from the code; do not edit. What each rule compared for one
coupon and one order: `POST /api/coupons/validations`. Why a coupon was refused:
`GET /api/coupons/{id}/history`.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## A coupon pays\n", "Asked in this order; the first that does not hold"]
    parts[-1] += " refuses the payment.\n"
    alone = [row for row in RULES.values() if row.rule not in TOGETHER]
    together = [RULES[rule] for rule in TOGETHER]
    heads = ("rule", "code", "English", "中文")
    parts.append(_table(heads, [(f"`{r.rule}`", r.code, r.en, r.zh) for r in alone]))
    parts.append("## Several coupons pay together\n")
    parts.append(_table(heads, [(f"`{r.rule}`", r.code, r.en, r.zh) for r in together]))
    parts.append("## Limits of a quota\n")
    parts.append("A coupon inherits those that ask about a payment. `{}` is the limit's value.\n")
    rows = [(f"`{r.limit}`", f"`{r.key}`" if r.key else "", r.en, r.zh) for r in LIMITS.values()]
    parts.append(_table(("limit", "the vendor's key", "English", "中文"), rows))
    parts.append("## Codes by which the rest is refused\n")
    for room, what in ROOMS.items():
        found = sorted(set(_codes_of(_PACKAGE / room)))
        if found:
            parts.append(f"### {what}\n")
            said = [(one, code(one).text(ENGLISH), code(one).text(CHINESE)) for one in found]
            parts.append(_table(("code", "English", "中文"), said))
    return "\n".join(parts)


def _codes_of(place: Path) -> Iterator[str]:
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    for path in files:
        if path.exists():
            written = path.read_text("utf-8")
            yield from _is_code(written)
            if _names_reseller(written):
                yield NotOwnResellerError.code


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def main() -> None:
    """Write it, from the checkout's root."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
