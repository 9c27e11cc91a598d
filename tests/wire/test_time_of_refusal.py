"""How long an answer takes does not tell whether somebody else's object is there.

That neither id is waited for while the other is not, `test_foreign_objects.py` sees at every
operation; here a few are measured finely enough to see a difference of a few milliseconds.
"""

import secrets
import statistics
import time
from math import sqrt

import httpx
import pytest

from tests.wire.requests import body_of, target_of
from tests.wire.scene import Scene
from tests.wire.test_foreign_objects import asker, foreign_of, like, values
from wire.operations import operations

MEASURED = [
    ("list_sub_customers", "customer_id"),
    ("show_realname_authentication_review_result", "customer_id"),
    ("list_enterprise_sub_customers", "org_id"),
    ("show_customer_order_details", "order_id"),
    ("list_customer_orders", "customer_id"),
    ("list_pay_per_use_customer_resources", "resource_ids"),
    ("list_issued_partner_coupons", "coupon_id"),
    ("list_quota_coupons", "quota_ids"),
    ("list_sub_customer_bill_detail", "customer_id"),
    ("list_partner_adjust_records", "trans_id"),
]
PAIRS, ROUNDS_MAX = 20, 5  # the second round and those after it only where the first looks odd
ODD_DEVIATIONS, SURE_DEVIATIONS = 1.5, 4.5
DIFFERENCE_SECONDS = 0.001  # less than that nobody measures across a network
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def deviations(differences: list[float]) -> float:
    """Wilcoxon's signed ranks: how far from chance one side is the slower, in deviations.

    Which id is asked first is drawn for each pair. So when the ids are treated alike, each sign is
    a fair coin however noisy the machine is, and 4.5 deviations come once in 100,000 times.
    """
    count = len(differences)
    positive = sum(
        rank for rank, one in enumerate(sorted(differences, key=abs), 1) if one > 0
    )  # fmt: skip
    mean, variance = count * (count + 1) / 4, count * (count + 1) * (2 * count + 1) / 24
    return abs(positive - mean) / sqrt(variance)


@pytest.mark.parametrize(("name", "field"), MEASURED)
def test_a_foreign_object_is_answered_as_fast_as_one_that_does_not_exist(
    scene: Scene, name: str, field: str
) -> None:
    """Break: let `show_order` sleep 5 ms before it refuses an id that does not end in 000000."""
    one, caller = operations()[name], asker(scene, operations()[name], field)
    foreign = foreign_of(scene, field)
    asked = [values(scene, one, field, each) for each in (foreign, like(foreign))]
    differences: list[float] = []
    with httpx.Client(timeout=30) as client:

        def took(which: int) -> float:
            told = asked[which]
            request = caller.request(
                client, one.http_method, target_of(one, told), body_of(one, told)
            )
            started = time.perf_counter()
            status = client.send(request).status_code
            seconds = time.perf_counter() - started
            assert status not in (401, 429), status  # refused before anybody looked
            return seconds

        def difference() -> float:
            first = secrets.randbelow(2)
            seconds = {which: took(which) for which in (first, 1 - first)}
            return seconds[0] - seconds[1]

        difference()  # connects
        for _ in range(ROUNDS_MAX):
            differences += [difference() for _ in range(PAIRS)]
            tells = abs(statistics.median(differences)) >= DIFFERENCE_SECONDS
            if not tells or deviations(differences) < ODD_DEVIATIONS:
                return
    assert deviations(differences) < SURE_DEVIATIONS, statistics.median(differences)


def test_the_measure_knows_chance_from_a_habit() -> None:
    noise = [(-1) ** number * (1 + number % 7) * 0.01 for number in range(100)]
    assert deviations(noise) < ODD_DEVIATIONS
    assert deviations([one + 0.03 for one in noise]) > SURE_DEVIATIONS
