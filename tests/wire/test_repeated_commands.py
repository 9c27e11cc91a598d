"""A PUT or DELETE that the SDK sends again, byte for byte, is carried out once."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from gateway.not_yet import NOT_YET
from tests.flows.cast import Caller
from tests.wire.answered import DEEDS, caller_of
from tests.wire.requests import body_of, target_of
from tests.wire.scene import Scene
from wire.operations import everything

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

REPEATED = sorted(
    name
    for name, one in everything().items()
    if one.http_method in ("PUT", "DELETE") and name not in NOT_YET
)
CANCEL = "/v2/orders/customer-orders/cancel"


def asked(scene: Scene, name: str) -> tuple[Caller, str, str, object]:
    """Who asks for what: something that can be done once."""
    operation = everything()[name]
    given = DEEDS[name](scene.ours)
    caller = caller_of(scene.ours, operation.auth, name, scene.distributor)
    return caller, operation.http_method, target_of(operation, given), body_of(operation, given)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as opened:
        yield opened


@pytest.mark.parametrize("name", REPEATED)
def test_the_same_bytes_get_the_first_answer_again(
    scene: Scene, client: httpx.Client, name: str
) -> None:
    caller, method, target, content = asked(scene, name)
    request = caller.request(client, method, target, content)
    first, second, third = (client.send(request) for _ in range(3))
    assert first.is_success, first.text
    for again in (second, third):
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("name", REPEATED)
def test_its_service_too_knows_it_again(scene: Scene, client: httpx.Client, name: str) -> None:
    """A gateway that died before it kept the answer asks its service once more."""
    caller, method, target, content = asked(scene, name)
    key = {"Idempotency-Key": uuid4().hex}
    first, second = (
        client.send(caller.request(client, method, target, content, **key, Accept=accept))
        for accept in ("application/json", "*/*")  # two signatures
    )
    assert first.is_success, first.text
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["idempotency-replayed"] == "true"


def test_a_refusal_is_answered_alike_when_it_would_be_none_any_more(
    scene: Scene, client: httpx.Client
) -> None:
    """And a command signed anew is a new one."""
    customer = scene.ours.customer.caller
    order_id = scene.ours.new_order()
    request = customer.request(client, "PUT", CANCEL, {"order_id": order_id, "remark": "x"})
    assert client.send(request).status_code == 204
    anew = customer.request(client, "PUT", CANCEL, {"order_id": order_id})
    refused, again = client.send(anew), client.send(anew)
    assert refused.status_code == 400
    assert (again.status_code, again.content) == (400, refused.content)
    assert client.send(request).status_code == 204
