"""What differs between the China site and the international one."""

from dataclasses import replace

import pytest

from testkit.door import Door
from tests.order.builders import ORDERS, PARTNER

pytestmark = pytest.mark.postgres


async def test_order_types_are_those_of_the_callers_site(door: Door) -> None:
    """The international SDK knows no type 10."""
    abroad = replace(PARTNER, site="international")
    for principal, kind, status in (
        (PARTNER, 10, 200), (abroad, 10, 400), (abroad, 11, 200), (PARTNER, 12, 400),
    ):  # fmt: skip
        answer = await door.get(ORDERS, principal, query={"order_type": kind})
        assert answer.status_code == status, (principal.site, kind, answer.text)
