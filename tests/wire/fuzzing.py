"""Requests made from the published OpenAPI document, valid and not, signed by several principals.

`python -m tests.wire.fuzzing --seconds 600` (`make fuzz`) starts a system and goes on for long;
the tests run the short form.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from jsonschema import Draft202012Validator
from schemathesis import Case, Config, GenerationMode
from schemathesis.core.control import SkipTest
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.forwarding.destinations import destination_of
from gateway.not_yet import NOT_YET
from testkit.databases import Templates
from testkit.servers import KafkaServer, PostgresServer
from testkit.system import System
from tests.flows.cast import Caller, Stage
from tests.wire.scene import Scene, estate, set_scene
from tests.wire.written import quiet_counts
from wire.check import check
from wire.json import loads
from wire.operations import CHINA, INTERNATIONAL, everything
from wire.routing import match
from wire.signature import sign_headers

ANSWER_SECONDS_MAX = 30.0
EXAMPLES_PER_TURN = 2
ID_SHARE = 0.7  # of the fields that name something: a thing that is there
STRANGER_SHARE = 0.2  # of the requests: asked by somebody of another kind
NOT_OFFERED = {"CHB.0002", "CHB.0003"}  # in connected mode; not yet
VALID, INVALID = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
_IDENTITY_HEADERS = ("X-Domain-Id", "X-Project-Id", "X-Security-Token")
_SIGNED_HEADERS = ("Content-Type", "X-Language")
_CHECKS = [
    status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
Tell = Callable[[str], None]
Ids = dict[str, list[str]]
AnyCase = Case[Any]


class Signed(requests.auth.AuthBase):
    """Signs the bytes that are sent."""

    def __init__(self, caller: Caller, site: str = CHINA):
        self._caller = caller
        self.site = site

    def __call__(self, sent: requests.PreparedRequest) -> requests.PreparedRequest:
        assert sent.url is not None
        kept = {n: str(sent.headers[n]) for n in _SIGNED_HEADERS if n in sent.headers}
        signed = sign_headers(
            str(sent.method), sent.url, kept, body_of(sent),
            self._caller.access, self._caller.secret, datetime.now(UTC),
        )  # fmt: skip
        sent.headers.update(signed)
        return sent


class AsAdministrator(requests.auth.AuthBase):
    """By the administrator's token."""

    site = CHINA

    def __init__(self, token: str):
        self._token = token

    def __call__(self, sent: requests.PreparedRequest) -> requests.PreparedRequest:
        sent.headers["X-Auth-Token"] = self._token
        return sent


Asker = Signed | AsAdministrator


def body_of(sent: requests.PreparedRequest) -> bytes:
    """The bytes that will be sent."""
    body = sent.body or b""
    assert isinstance(body, str | bytes)
    return body.encode() if isinstance(body, str) else body


@dataclass
class Verdict:
    """What was asked, how it was answered, and what should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    breaches: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{n} x {status}" for status, n in sorted(self.statuses.items()))
        asked = f"{sum(self.statuses.values())} requests to {len(self.operations)} operations"
        return "\n".join([f"{asked}: {told}", *self.breaches])


@dataclass(frozen=True)
class Until:
    """When it is enough, for invalid and for valid requests each."""

    seconds: float
    rounds: int = 1_000_000


class Fuzz:
    """One run on a system with a scene of its own."""

    def __init__(self, stage: Stage, seed: int):
        scene = set_scene(stage)
        abroad = estate(stage, INTERNATIONAL)
        self.url = stage.gateway
        self.verdict = Verdict()
        self._seed = seed
        self._session = requests.Session()
        self._session.trust_env = False
        self._ids = _ids(scene)
        self._distributor = Signed(scene.distributor)
        self._partners = [Signed(scene.ours.partner), Signed(abroad.partner, INTERNATIONAL)]
        self._customers = [
            Signed(scene.ours.customer.caller), Signed(abroad.customer.caller, INTERNATIONAL),
        ]  # fmt: skip
        self._admin = AsAdministrator(stage.system.admin_token)
        self._document = self._session.get(self.url + "/openapi.json", timeout=30).json()
        self._bodies = _bodies(self._document)

    def run(self, mode: GenerationMode, until: Until, tell: Tell | None = None) -> None:
        """Every operation in turn, again and again until it is enough."""
        told = {"mode": mode.value, "with-security-parameters": False}
        config = Config.from_dict({"generation": told})
        schema = schemathesis.openapi.from_dict(self._document, config=config)
        operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
        random.Random(self._seed).shuffle(operations)
        deadline = time.monotonic() + until.seconds
        for round_number in range(until.rounds):
            for operation in operations:
                if time.monotonic() > deadline:
                    return
                self._turn(operation, mode, round_number)
            if tell:
                tell(f"{mode.value}, round {round_number + 1}: {self.verdict}")

    def _turn(self, operation: Any, mode: GenerationMode, round_number: int) -> None:
        name = f"{self._seed} {operation.label} {mode.value} {round_number}"
        chance = random.Random(name)

        # Not shrunk: what the first request changed, the second meets.
        @seeded(name)
        @settings(
            max_examples=1
            if operation.definition.raw.get("operationId") in NOT_YET
            else EXAMPLES_PER_TURN,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: AnyCase) -> None:
            self._ask(case, mode, chance)

        with suppress(SkipTest):  # nothing is wrong for an operation without fields
            ask()

    def _ask(self, case: AnyCase, mode: GenerationMode, chance: random.Random) -> None:
        if mode is VALID:
            _name_things(case, self._ids, chance)
        if isinstance(case.query, dict) and "wait_seconds" in case.query:
            case.query["wait_seconds"] = 0
        for name in _IDENTITY_HEADERS:  # what they do when wrong is shown elsewhere
            case.headers.pop(name, None)
        asker = self._asker(case, chance)
        prepared = requests.Request(**case.as_transport_kwargs(self.url)).prepare()
        wrong = self._wrong(case, prepared, asker.site)
        if mode is INVALID and not wrong and case.method.upper() != "GET":
            return  # it may be right after all: a null, an empty text, a field that nobody reads
        answer = case.call(
            self.url, self._session, auth=asker, timeout=ANSWER_SECONDS_MAX, allow_redirects=False
        )
        self.verdict.statuses[answer.status_code] += 1
        self.verdict.operations.add(case.operation.label)
        for breach in _breaches(case, answer):
            self._report(prepared, asker, answer, breach)
        if wrong and answer.status_code < 400:
            self._report(prepared, asker, answer, f"accepted although {wrong}")

    def _report(
        self, prepared: requests.PreparedRequest, asker: Asker, answer: Any, breach: str
    ) -> None:
        who = getattr(getattr(asker, "_caller", None), "domain_id", "administrator")
        asked = f"{prepared.method} {prepared.url} {body_of(prepared)!r:.600} by {who}"
        self.verdict.breaches.append(
            f"{breach}\n  {asked}\n  {answer.status_code} {answer.content!r:.400}"
        )

    def _asker(self, case: AnyCase, chance: random.Random) -> Asker:
        """Mostly somebody who may."""
        everybody: list[Asker] = [*self._partners, *self._customers, self._distributor, self._admin]
        if chance.random() < STRANGER_SHARE:
            return chance.choice(everybody)
        found = destination_of(case.method.upper(), urlsplit(case.formatted_path).path)
        kinds = found.kinds if found else frozenset()
        able: list[Asker] = [self._distributor] if "distributor" in kinds else []
        able += self._partners if "solution_provider" in kinds else []
        able += self._customers if "customer" in kinds else []
        able += [self._admin] if "administrator" in kinds else []
        return chance.choice(able or everybody)

    def _wrong(self, case: AnyCase, prepared: requests.PreparedRequest, site: str) -> str:
        """What the table, or the schema of a native body, finds wrong; empty if nothing."""
        url = urlsplit(str(prepared.url))
        found = match(str(prepared.method), url.path)
        try:
            content = loads(body_of(prepared)) if body_of(prepared) else None
        except ValueError:
            return "the body is no JSON" if case.operation.body else ""
        if found is not None:
            known = everything(site).get(found.operation.method_name)
            if known is None:
                return ""
            query = parse_qs(url.query, keep_blank_values=True)
            breaches = check(known, query, content, found.path_params)
            return f"{breaches[0].field} is {breaches[0].reason}" if breaches else ""
        validator = self._bodies.get((case.method.lower(), case.path))
        if validator is None:
            return ""
        error = next(validator.iter_errors(json.loads(body_of(prepared) or b"null")), None)
        return "" if error is None else f"{error.json_path}: {error.message:.200}"


def _breaches(case: AnyCase, answer: Any) -> Iterator[str]:
    """What no answer may be, and what the document does not say."""
    if answer.status_code == 501:
        if _code(answer) not in NOT_OFFERED:
            yield "501 without a reason"
    elif answer.status_code >= 500:
        yield "failed"
    if 300 <= answer.status_code < 400:
        yield "a redirect"
    if "x-request-id" not in answer.headers:
        yield "no X-Request-Id"
    try:
        case.validate_response(answer, checks=_CHECKS)
    except Failure as failure:
        yield f"{failure.title}: {failure.message}"
    except FailureGroup as group:
        yield from (f"{one.title}: {one.message}" for one in group.exceptions)


def _code(answer: Any) -> str:
    try:
        said = json.loads(answer.content)
    except ValueError:
        return ""
    return str(said.get("error_code") or said.get("code"))


def _ids(scene: Scene) -> Ids:
    """What there is to be named, of this partner and of others."""
    ours, theirs = scene.ours, scene.theirs
    customers = [ours.customer.id, ours.person.id, ours.unlinked.id, theirs.customer.id]
    orders = [ours.new_order(), ours.paid_order_id, theirs.paid_order_id]
    partners = [ours.partner.domain_id, theirs.partner.domain_id, scene.distributor.domain_id]
    resellers = [scene.reseller_id, scene.foreign_reseller_id]
    coupons, quotas = [ours.coupon_id, theirs.coupon_id], [ours.quota_id, theirs.quota_id]
    quotas += [ours.parent_quota_id, ours.child_quota_id]
    resources = [ours.resource_id, theirs.resource_id]
    return {
        "customer_id": customers, "customer_ids": customers, "sub_customer_id": customers,
        "order_id": orders, "trade_id": orders, "coupon_id": coupons, "coupon_ids": coupons,
        "request_id": [ours.new_request(), theirs.new_request()],
        "quota_id": quotas, "quota_ids": quotas, "resource_id": resources,
        "resource_ids": resources, "trans_id": [ours.transfer_id, theirs.transfer_id],
        "parent_quota_id": quotas, "indirect_partner_ids": resellers,
        "indirect_partner_id": resellers, "partner_id": partners, "distributor_id": partners,
        "owner_id": [*partners, *customers], "domain_id": [*customers, *partners],
    }  # fmt: skip


def _name_things(case: AnyCase, ids: Ids, chance: random.Random) -> None:
    """Ids of things that there are, in place of texts that name nothing."""
    for part in (case.body, case.query, case.path_parameters):
        _name(part, ids, chance)


def _name(value: Any, ids: Ids, chance: random.Random) -> None:
    if isinstance(value, list):
        for item in value:
            _name(item, ids, chance)
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ids and chance.random() < ID_SHARE:
                one = chance.choice(ids[name])
                value[name] = [one] if isinstance(inner, list) else one
            else:
                _name(inner, ids, chance)


def _bodies(document: dict[str, Any]) -> dict[tuple[str, str], Draft202012Validator]:
    """The schemas of native bodies, by method and path."""
    components = {"components": document["components"]}
    return {
        (method, path): Draft202012Validator(
            {**said["requestBody"]["content"]["application/json"]["schema"], **components}
        )
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if "requestBody" in said and match(method.upper(), path) is None
    }


def fuzz(system: System, until: Until, seed: int, tell: Tell | None = None) -> Verdict:
    """First invalid requests, which must leave nothing behind, then as many valid ones."""
    run = Fuzz(Stage(system), seed)
    before = quiet_counts(system)
    run.run(INVALID, until, tell)
    after = quiet_counts(system)
    written = {name: (n, after[name]) for name, n in before.items() if after[name] != n}
    if written:
        run.verdict.breaches.append(f"refused requests wrote {written}")
    run.run(VALID, until, tell)
    return run.verdict


def main() -> int:
    """The command line; exit 1 when something was found."""
    parser = argparse.ArgumentParser(description="Fuzz all that the running system publishes.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=None, help="random by default; printed")
    given_options = parser.parse_args()
    seed = given_options.seed
    if seed is None:
        seed = random.SystemRandom().randrange(10**6)
    tell: Tell = lambda line: print(line, flush=True)  # noqa: E731, T201
    tell(f"seed {seed}")
    postgres = PostgresServer.for_session()
    try:
        kafka = KafkaServer.for_session()
        try:
            until = Until(given_options.seconds / 2)
            verdict = _on_a_system(postgres, kafka, until, seed, tell)
        finally:
            kafka.close()
    finally:
        postgres.close()
    tell(str(verdict))
    return 1 if verdict.breaches else 0


def _on_a_system(
    postgres: PostgresServer, kafka: KafkaServer, until: Until, seed: int, tell: Tell
) -> Verdict:
    system = System(Templates(postgres), kafka)
    try:
        return fuzz(system.start(), until, seed, tell)
    finally:
        system.close()


if __name__ == "__main__":
    raise SystemExit(main())
