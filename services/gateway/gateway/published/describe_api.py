"""One OpenAPI 3.1 document of all that the gateway answers, its own and the services'.

The vendor's operations come from the wire's table, the gateway's own routes from its code, and the
native routes of the other services from what each says of itself at the moment.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from chassis.errors import OutsideError
from chassis.logs import get_logger
from gateway.forwarding.destinations import Service
from gateway.ops.peers import Peers
from wire import openapi as wire_openapi
from wire.json import dumps
from wire.native_routes import NativeRoute, native_routes, rows_of_door

log = get_logger(__name__)

OPENAPI = "3.1.0"
KEPT_SECONDS = 10.0
DESCRIBE_SECONDS_MAX = 10.0  # a service makes its description when it is asked for the first time
PROBLEM = "Problem"
_ANONYMOUS = {("post", "/v3/auth/tokens")}
_CALLERS = {
    "partner": "a partner",
    "customer": "a customer",
    "administrator": "the platform's administrator",
}
_SCHEMAS = "#/components/schemas/"
_is_parameter = re.compile(r"\{(\w+)\}")

Json = dict[str, Any]


class PublishedApi:
    """The document, made once for all who ask within a while.

    Anybody may ask, and making it asks every service.
    """

    def __init__(self, peers: Peers):
        self._peers = peers
        self._making = asyncio.Lock()
        self._made: bytes = b""
        self._made_at = float("-inf")

    async def document(self, own: Json) -> bytes:
        """As JSON; `own` describes the gateway's own routes."""
        async with self._making:
            if time.monotonic() - self._made_at > KEPT_SECONDS:
                self._made = dumps(await describe_api(own, self._peers))
                self._made_at = time.monotonic()
            return self._made


async def describe_api(own: Json, peers: Peers) -> Json:
    """The document. A service that is away is described by paths alone, and is named."""
    others = [service for service in Service if service is not Service.GATEWAY]
    asked = await asyncio.gather(*(_told(peers, service) for service in others))
    told: dict[Service, Json | None] = dict(zip(others, asked, strict=True))
    away = sorted(service for service, said in told.items() if said is None)
    described = {Service.GATEWAY: own, **{s: said for s, said in told.items() if said}}
    common = wire_openapi.components()
    document = {
        "openapi": OPENAPI,
        "info": {
            "title": "Channelbus",
            "version": "1.0.0",
            "description": "The vendor's API as its SDKs speak it, identity, and the native API"
            " below /api. What happens is told on Kafka: /asyncapi.json.",
        },
        "paths": wire_openapi.paths(),
        "components": {**common, "schemas": {**common["schemas"], PROBLEM: _problem()}},
    }
    for service, said in described.items():
        _add(document, service, said)
    _add_bare(document)
    return {**document, "x-away": away} if away else document


async def _told(peers: Peers, service: Service) -> Json | None:
    try:
        status, raw = await peers.look(service, "/openapi.json", DESCRIBE_SECONDS_MAX)
        said = json.loads(raw) if status == 200 else None
    except (OutsideError, ValueError) as error:
        log.warning("not described", service=service, why=str(error))
        return None
    return said if isinstance(said, dict) and "paths" in said else None


def _add(document: Json, service: Service, said: Json) -> None:
    """The service's own paths with its schemas, which get the service's name before theirs."""
    said = json.loads(json.dumps(said).replace(_SCHEMAS, f"{_SCHEMAS}{service}."))
    schemas = said.get("components", {}).get("schemas", {})
    document["components"]["schemas"] |= {f"{service}.{n}": one for n, one in schemas.items()}
    for path, methods in said["paths"].items():
        if path.startswith("/api/") or service is Service.GATEWAY:
            for method, operation in methods.items():
                _place(document["paths"], path, method, _as_seen(service, path, method, operation))


def _add_bare(document: Json) -> None:
    """What is routed and nobody described: its service is away."""
    known = [(m, _pattern(p)) for p, methods in document["paths"].items() for m in methods]
    for route in native_routes().values():
        method, path = route.method.lower(), route.path
        if not any(method == m and fits.fullmatch(path) for m, fits in known):
            names = _is_parameter.findall(path)
            bare = {
                "summary": "Not described: its service is away.",
                "parameters": [_path_parameter(name) for name in names],
            }
            _place(document["paths"], path, method, _described(path, method, bare))


def _pattern(path: str) -> re.Pattern[str]:
    """Paths that the template takes, templates among them."""
    return re.compile(_is_parameter.sub("[^/]+", path))


def _path_parameter(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _as_seen(service: Service, path: str, method: str, operation: Json) -> Json:
    return {**_described(path, method, operation), "tags": [str(service)]}


def _described(path: str, method: str, operation: Json) -> Json:
    """The operation with who may call it, and the answers that it really has."""
    rows = rows_of_door(method.upper(), path)
    if rows:
        said = operation.get("description", operation.get("summary", ""))
        operation = {**operation, "description": f"{said} {_asked_by(rows[0])}".strip()}
    status = str(rows[0].answers) if rows else "2XX"
    return {
        **operation,
        "security": [] if (method, path) in _ANONYMOUS else wire_openapi.SECURITY,
        "responses": _responses(status, _content(operation), native=path.startswith("/api/")),
    }


def _asked_by(route: NativeRoute) -> str:
    who = " or ".join(_CALLERS[one] for one in route.who)
    refused = "" if route.connected else " In connected mode it is refused (CHB.0002)."
    return f"Asked by {who}.{refused}"


def _content(operation: Json) -> Json:
    """What the operation answers: JSON, or files of the kinds that its service names."""
    for status, answer in operation.get("responses", {}).items():
        content = answer.get("content", {})
        if status.startswith("2") and content and "application/json" not in content:
            return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in content}
    return {"application/json": {"schema": _shown(operation)}}


def _shown(operation: Json) -> Json:
    """The schema of what the operation answers, as its service says it."""
    for status, answer in operation.get("responses", {}).items():
        schema: Json = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if status.startswith("2") and schema:
            return schema
    return {"type": "object"}


def _responses(status: str, content: Json, *, native: bool) -> Json:
    shape = PROBLEM if native else wire_openapi.REFUSAL
    kind = "application/problem+json" if native else "application/json"
    refused = {"content": {kind: {"schema": {"$ref": f"{_SCHEMAS}{shape}"}}}}
    done = {"content": content}
    named = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    return {
        status: {"description": "Done.", "headers": named, **({} if status == "204" else done)},
        "4XX": {"description": "Refused; nothing was done.", "headers": named, **refused},
        "5XX": {"description": "Failed on our side.", "headers": named, **refused},
    }


def _place(paths: Json, path: str, method: str, operation: Json) -> None:
    """Below the path's template as it stands already, whatever its parameters are called there."""
    shape = _is_parameter.sub("{}", path)
    known = next((p for p in paths if _is_parameter.sub("{}", p) == shape), path)
    renamed = dict(zip(_is_parameter.findall(path), _is_parameter.findall(known), strict=True))
    paths.setdefault(known, {})[method] = {**operation, "parameters": _renamed(operation, renamed)}


def _renamed(operation: Json, names: Mapping[str, str]) -> list[Json]:
    return [
        {**one, "name": names[one["name"]]} if one.get("in") == "path" else one
        for one in operation.get("parameters", [])
    ]


def _problem() -> Json:
    """RFC 9457, with the code that the vendor's paths have."""
    return {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "instance"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "pattern": r"^(APIGW|CBC|CHB)\.\d+$"},
            "detail": {"type": "string"},
            "refusal_detail": {"type": "string"},
            "instance": {"type": "string"},
        },
    }
