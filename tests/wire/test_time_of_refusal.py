"""How long an answer takes does not tell whether somebody else's object is there.

That neither id is waited for while the other is not, `test_foreign_objects.py` sees at every
operation; here a few are measured finely enough to see a difference of a few milliseconds.
"""

import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from math import sqrt
from typing import Any

import httpx
import pytest

from tests.flows.cast import Caller
from tests.wire.requests import body_of, target_of
from tests.wire.scene import Estate, Scene
from tests.wire.test_foreign_native_objects import a_campaign, a_discount, a_job, an_issue
from tests.wire.test_foreign_objects import (
    ATTEMPTS,
    KINDS,
    asker,
    foreign_of,
    like,
    owned,
    told_by_the_wait,
    values,
)
from wire.operations import operations

MEASURED = [
    ("list_sub_customers", "customer_id"),
    ("show_realname_authentication_review_result", "customer_id"),
    ("list_enterprise_sub_customers", "org_id"),
    ("show_customer_order_details", "order_id"),
    ("list_customer_orders", "customer_id"),
    ("list_order_discounts", "order_id"),
    ("list_customer_on_demand_resources", "resource_ids"),
    ("list_pay_per_use_customer_resources", "resource_ids"),
    ("list_issued_partner_coupons", "coupon_id"),
    ("list_quota_coupons", "quota_ids"),
    ("list_issued_coupon_quotas", "quota_id"),
    ("list_sub_customer_bill_detail", "customer_id"),
    ("list_partner_adjust_records", "trans_id"),
]
# Between two customers of one partner: orders and resources. `list_order_coupons_by_order_id` waits
# 2 s for either id: it has a test of its own.
OF_ONE_PARTNER = [
    ("list_order_discounts", "order_id"),
    ("show_refund_order_details", "order_id"),
    ("list_free_resource_infos", "order_id"),
    ("list_free_resource_usages", "free_resource_ids"),
    ("list_free_resources_usage_records", "free_resource_id"),
    ("renewal_resources", "resource_ids"),
    ("cancel_resources_subscription", "resource_ids"),
    ("auto_renewal_resources", "resource_id"),
    ("cancel_auto_renewal_resources", "resource_id"),
    ("update_period_to_on_demand", "resource_ids"),
    ("update_period_to_on_demand_instantly", "resource_ids"),
    ("pay_orders", "order_id"),
]
# And on our own paths; the body is sent with the resource's id in it.
NATIVE: dict[str, dict[str, Any] | None] = {
    "GET /api/orders/{order}/history": None,
    "GET /api/orders/{order}/actions": None,
    "GET /api/orders/{order}/payment-options": None,
    "POST /api/orders/{order}/payment-request": None,
    "DELETE /api/orders/{order}/payment-request": None,
    "GET /api/resources/{resource}": None,
    "GET /api/resources/{resource}/history": None,
    "POST /api/resources/{resource}/closing": None,
    "GET /api/coupons/{coupon}/history": None,
    "POST /api/coupons/{coupon}/activation": {},
    "POST /api/resources/refund-quotes": {"unsubscribe_type": 1},
    "POST /api/resources/renewal-quotes": {"period_type": 2, "period_num": 1},
}
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


Asked = tuple[str, str, Any]  # method, target, body


def assert_same_time(caller: Caller, asked: Sequence[Asked]) -> None:
    """One request about what is there and one about what is not, in pairs until chance is clear."""
    numbers = count()
    differences: list[float] = []
    with httpx.Client(timeout=30) as client:

        def took(which: int) -> float:
            method, target, body = asked[which]
            if body is not None:  # else a refused command is answered as it was the first time
                body = body | {"asked": next(numbers)}
            request = caller.request(client, method, target, body)
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


def operation_asked(scene: Scene, name: str, field: str, named: str) -> Asked:
    one = operations()[name]
    told = values(scene, one, field, named)
    return one.http_method, target_of(one, told), body_of(one, told)


@pytest.mark.parametrize(("name", "field"), MEASURED)
def test_a_foreign_object_is_answered_as_fast_as_one_that_does_not_exist(
    scene: Scene, name: str, field: str
) -> None:
    """Break: let `show_order` sleep 5 ms before it refuses an id that does not end in 000000."""
    foreign = foreign_of(scene, field)
    asked = [operation_asked(scene, name, field, each) for each in (foreign, like(foreign))]
    assert_same_time(asker(scene, operations()[name], field), asked)


@pytest.mark.parametrize(("name", "field"), OF_ONE_PARTNER)
def test_nor_does_it_tell_one_customer_of_a_partner_about_another(
    scene: Scene, name: str, field: str
) -> None:
    """Break: let `find_named` sleep 5 ms before it refuses an id as we make them."""
    known = scene.ours.refund_order_id if "refund" in name else owned(scene.ours, KINDS[field])
    asked = [operation_asked(scene, name, field, each) for each in (known, like(known))]
    assert_same_time(scene.ours.person.caller, asked)


@pytest.mark.parametrize("name", NATIVE)
def test_nor_do_our_own_paths(scene: Scene, name: str) -> None:
    """Break: let `find_resource` sleep 5 ms before it refuses an id as we make them."""
    method, path = name.split()
    body = NATIVE[name]
    kind = "coupon" if "coupon" in name else "resource" if "resource" in name or body else "order"
    known = owned(scene.ours, kind)
    asked = [
        (method, path.replace(f"{{{kind}}}", each), body and {**body, "resource_ids": [each]})
        for each in (known, like(known))
    ]
    for each in asked:
        assert scene.ours.person.caller.call(*each).status_code in (400, 404)
    assert_same_time(scene.ours.person.caller, asked)


# Of partners between themselves: what the object is, and what is sent.
OF_PARTNERS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "GET /api/quotas/{}/statement": ("quota", None),
    "GET /api/recall-campaigns/{}": ("campaign", None),
    "GET /api/coupon-issues/{}": ("issue", None),
    "GET /api/order-jobs/{}": ("job", None),
    "DELETE /api/discounts/{}": ("discount", None),
    "POST /api/payment-requests/{}/reject": ("request", {"reason": "no"}),
    "POST /api/orders/{}/price-adjustment": (
        "order", {"amount_after_discount": "1.00", "reason": "no"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_PARTNERS)
def test_nor_do_those_of_partners(scene: Scene, name: str) -> None:
    """Break: let `find_quota` sleep 5 ms before it refuses an id as we make them."""
    method, path = name.split()
    kind, body = OF_PARTNERS[name]
    make: dict[str, Callable[[Estate], str]] = {
        "quota": lambda theirs: theirs.quota_id, "campaign": a_campaign, "issue": an_issue,
        "job": a_job, "discount": a_discount, "request": Estate.new_request,
        "order": Estate.new_order,
    }  # fmt: skip
    known = make[kind](scene.theirs)
    asked = [(method, path.format(each), body) for each in (known, like(known))]
    for each in asked:
        assert scene.ours.partner.call(*each).status_code == 404
    assert_same_time(scene.ours.partner, asked)


def test_the_coupons_of_an_order_are_waited_for_whoever_has_it(scene: Scene) -> None:
    """Between two customers of one partner. Break: refuse another customer's order at once."""
    ours = scene.ours
    path = "/v2/orders/customer-orders/order-coupons?order_id="
    ids = [ours.new_order(), like(ours.paid_order_id)]

    def ask(named: str) -> httpx.Response:
        return ours.person.caller.call("GET", path + named)

    for _ in range(ATTEMPTS):
        with ThreadPoolExecutor(len(ids)) as side_by_side:
            answers = list(side_by_side.map(ask, ids))
        said = [answer.text.replace(one, "ID") for answer, one in zip(answers, ids, strict=True)]
        assert said[0] == said[1]
        if not told_by_the_wait(answers):
            return
    pytest.fail(str([answer.elapsed for answer in answers]))


def test_the_measure_knows_chance_from_a_habit() -> None:
    noise = [(-1) ** number * (1 + number % 7) * 0.01 for number in range(100)]
    assert deviations(noise) < ODD_DEVIATIONS
    assert deviations([one + 0.03 for one in noise]) > SURE_DEVIATIONS
