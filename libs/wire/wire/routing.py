"""Which operation a request means, from its method and the path exactly as it came.

The path is the raw, percent-encoded one: `a%2Fb` is one segment (docs/domain/wire-protocol.md
D.4a.3). A trailing slash, a doubled slash or another spelling of a letter is an unknown path, never
a redirect: any 3xx is a silent success for the SDK (D.4a.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from urllib.parse import unquote

from wire.operations import INTERNATIONAL, Operation, everything

_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Match:
    """The operation and its path parameters, percent-decoded."""

    operation: Operation
    path_params: Mapping[str, str]


def match(http_method: str, raw_path: str | bytes) -> Match | None:
    """The operation behind method and raw path (without the query); None: APIGW.0101.

    An operation of both sites is given as the China site speaks it; `operation(name, site)` has
    the other. Whether its path parameters may be values at all is for `wire.check.check_path`.
    """
    path = raw_path.decode("latin-1") if isinstance(raw_path, bytes) else raw_path
    literal, templates = _routes()
    found = literal.get((http_method, path))
    if found is not None:
        return found
    if not path.isascii():
        return None  # not percent-encoded: no client of this API sends that
    return _match_template(templates.get(http_method, ()), path)


@cache
def _routes() -> tuple[
    dict[tuple[str, str], Match], dict[str, list[tuple[tuple[str, ...], Operation]]]
]:
    literal: dict[tuple[str, str], Match] = {}
    templates: dict[str, list[tuple[tuple[str, ...], Operation]]] = {}
    for operation in {**everything(INTERNATIONAL), **everything()}.values():
        if "{" in operation.path:
            segments = tuple(operation.path.split("/"))
            templates.setdefault(operation.http_method, []).append((segments, operation))
        else:
            literal[operation.http_method, operation.path] = Match(operation, _NO_PARAMS)
    return literal, templates


def _match_template(
    templates: list[tuple[tuple[str, ...], Operation]] | tuple[()], path: str
) -> Match | None:
    segments = path.split("/")
    for template, operation in templates:
        if len(template) != len(segments):
            continue
        params = {}
        for expected, got in zip(template, segments, strict=True):
            if expected.startswith("{"):
                params[expected[1:-1]] = got
            elif expected != got:
                break
        else:
            return _decoded(operation, params)
    return None


def _decoded(operation: Operation, params: dict[str, str]) -> Match | None:
    if not all(params.values()):
        return None
    # Bytes that are no UTF-8 become characters that no text may hold.
    values = {name: unquote(raw, errors="surrogateescape") for name, raw in params.items()}
    return Match(operation, values)
