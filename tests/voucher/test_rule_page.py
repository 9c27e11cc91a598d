"""The page that lists every rule is what the code says."""

from pathlib import Path

from voucher import rule_page
from voucher.coupons.rule_words import RULES
from voucher.quotas.limits import QuotaLimits

CHECKOUT = Path(__file__).parents[2]
NO_REFUSALS = {
    "tallies",
    "ledger",
    "watch",
    "whys",
    "migrations",
}  # they ask, and refuse nobody by a rule


def test_the_page_is_current() -> None:
    """Else run `python -m voucher.rule_page` and read the difference."""
    assert (CHECKOUT / rule_page.PAGE).read_text("utf-8") == rule_page.page()


def test_every_rule_limit_and_room_is_on_it() -> None:
    """Break: leave the limits out, or make a room that refuses and is not named."""
    page = rule_page.page()
    for name in (*RULES, *QuotaLimits.model_fields):
        assert f"| `{name}` |" in page, name
    folder = Path(rule_page.__file__).parent
    rooms = {path.name for path in folder.iterdir() if (path / "__init__.py").exists()}
    assert rooms - NO_REFUSALS <= set(rule_page.ROOMS)
    for told in ("CBC.99000013", "CBC.99000035", "CBC.50000045", "CHB.1003", "CBC.99000037"):
        assert f"| {told} |" in page, told
