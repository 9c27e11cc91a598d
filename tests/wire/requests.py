"""A signed request of an operation, built from the wire's own field names."""

from typing import Any
from urllib.parse import quote, urlencode

import httpx

from tests.flows.cast import Caller
from wire.operations import Operation


def target_of(one: Operation, values: dict[str, Any]) -> str:
    """Path and query, percent-encoded."""
    path = one.path
    for field in one.path_fields:
        path = path.replace(f"{{{field.name}}}", quote(str(values[field.name]), safe=""))
    query = {field.name: values[field.name] for field in one.query if field.name in values}
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def body_of(one: Operation, values: dict[str, Any]) -> dict[str, Any] | None:
    """The body's fields; None when the operation takes no body."""
    if one.body is None:
        return None
    return {field.name: values[field.name] for field in one.body if field.name in values}


def send(caller: Caller, one: Operation, values: dict[str, Any]) -> httpx.Response:
    """Sign and send it; the answer as it came, without what differs from one to the next."""
    answer = caller.call(one.http_method, target_of(one, values), body_of(one, values))
    answer.headers.pop("x-request-id", None)
    return answer
