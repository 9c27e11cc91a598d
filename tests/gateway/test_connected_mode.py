"""Each service lets in whom the tables name, and in connected mode refuses what is the authority's.

No database is there: a refusal reaches none, and whatever is let in fails.
"""

import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from chassis.identity import HEADER, Principal, sign_identity
from chassis.settings import read_keys
from gateway.forwarding.destinations import Service
from gateway.not_yet import NOT_YET
from testkit.keys import INTERNAL_KEYS
from tests.gateway.test_wire_not_yet import OPERATIONS, OTHERS, SETTINGS, UPSTREAM, built
from tests.wire.table import CALLERS, auth_class
from wire.native_routes import native_routes

KEYS = read_keys(INTERNAL_KEYS)
PRINCIPALS = {
    "solution provider": Principal("p1", "solution_provider", "p1"),
    "distributor": Principal("p2", "distributor", "p2"),
    "reseller": Principal("p3", "reseller", "p3", distributor_id="p2"),
    "government": Principal("p4", "government", "p4"),
    "customer": Principal("c1", "customer", "p1"),
    "administrator": Principal("root", "administrator", "*"),
}
PARTNERS = {"solution provider", "distributor", "reseller", "government"}
MIRRORED = {"list_sub_customers", "query_customers_old"}
INTERNAL = {Service.BILLING: ["/internal/holds"], Service.VOUCHER: ["/internal/reservations"]}
Asked = tuple[str, str, set[str], bool]  # method, path, who may, whether connected mode answers


def asked(service: Service) -> Iterator[Asked]:
    """Every operation of the service; of the vendor's the reference says who may call."""
    for name, one in OPERATIONS.items():
        if one.service == service and name not in NOT_YET:
            path = re.sub(r"\{\w+\}", "x", one.path)
            may = PRINCIPALS.keys() & CALLERS[auth_class(name)]
            yield one.http_method, path, set(may), name in MIRRORED
    for row in native_routes().values():
        if row.service == service:
            may = {*row.who} - {"partner"} | (PARTNERS if "partner" in row.who else set())
            yield row.method, re.sub(r"\{\w+\}", "x", row.path), may, row.connected
    for path in INTERNAL.get(service, []):
        yield "POST", path, set(PRINCIPALS), False


@pytest.fixture(params=OTHERS)
async def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    return found


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    app = built(service, SETTINGS | UPSTREAM)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        yield opened


async def test_a_caller_without_identity_hears_of_that_first(
    service: Service, client: httpx.AsyncClient
) -> None:
    answers = {
        f"{method} {path}": (await client.request(method, path)).status_code
        for method, path, _, _ in asked(service)
    }
    assert set(answers.values()) == {401}, answers


async def test_a_caller_of_the_wrong_kind_hears_of_that_next(
    service: Service, client: httpx.AsyncClient
) -> None:
    for method, path, may, _ in asked(service):
        for name in PRINCIPALS.keys() - may:
            assert await ask(client, name, method, path) == (403, "CBC.0151"), (name, method, path)


async def test_what_is_the_authoritys_alone_is_refused_to_whoever_may_ask(
    service: Service, client: httpx.AsyncClient
) -> None:
    for method, path, may, is_answered in asked(service):
        for name in () if is_answered else may:
            assert await ask(client, name, method, path) == (501, "CHB.0002"), (name, method, path)


async def test_what_is_mirrored_or_our_own_goes_on(
    service: Service, client: httpx.AsyncClient
) -> None:
    for method, path, may, is_answered in asked(service):
        for name in may if is_answered else ():
            status, code = await ask(client, name, method, path)
            assert status not in (401, 501), (name, method, path)
            assert code != "CBC.0151", (name, method, path)


async def ask(
    client: httpx.AsyncClient, name: str, method: str, path: str
) -> tuple[int, str | None]:
    signed = sign_identity(KEYS, PRINCIPALS[name], method, path, b"")
    answer = await client.request(method, path, headers={HEADER: signed})
    said = answer.json()
    return answer.status_code, said.get("code") or said.get("error_code")
