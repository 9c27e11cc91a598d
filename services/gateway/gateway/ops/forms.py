"""Forms and cookies of the console: every POST carries a token that follows from a cookie."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Response

from chassis.errors import BadFieldError, RefusedError
from gateway.ops.sessions import SESSION_HOURS, csrf_of
from gateway.parts import parts_of
from gateway.received import client_address, read_body
from wire.json import LIST_BODY_BYTES_MAX, SIGN_IN_BYTES_MAX

SESSION_COOKIE = "channelbus_ops"
VISIT_COOKIE = "channelbus_ops_visit"  # of somebody who is not signed in yet
SIGN_IN_PATH = "/ops/sign-in"
FIELDS_MAX = 24  # with a tick for each consumer
COOKIE_PATH = "/ops"


class ForeignFormError(RefusedError):
    """The form carries no token, or one of another session."""

    code = "CBC.0151"


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody typed into one of a page's forms: it stands there again when it is refused."""

    verb: str
    fields: Mapping[str, str]

    def shown(self) -> dict[str, str]:
        """Without what no person typed."""
        return {name: value for name, value in self.fields.items() if name != "csrf"}


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that this session's own page sent.

    Raises:
        ForeignFormError: it was not.
        BadFieldError: it is no form.

    """
    signing_in = request.url.path == SIGN_IN_PATH
    size = SIGN_IN_BYTES_MAX if signing_in else LIST_BODY_BYTES_MAX  # an event stands in a form
    body = await read_body(request.receive, request.scope["headers"], size)
    try:
        fields = dict(
            parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=FIELDS_MAX,
            )
        )
    except ValueError as error:
        raise BadFieldError("body", "not a form", "不是表单") from error
    name = VISIT_COOKIE if signing_in else SESSION_COOKIE
    cookie = request.cookies.get(name)
    given = fields.get("csrf", "").encode()
    if not cookie or not hmac.compare_digest(given, csrf_of(cookie).encode()):
        raise ForeignFormError
    return fields


Form = Annotated[dict[str, str], Depends(read_form)]


def address_of(request: Request) -> str:
    """Where the request comes from, as the gateway's door knows it."""
    settings = parts_of(request).settings
    return client_address(request.scope, settings.proxies)


def keep_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    """For as long as a session lasts, for the console alone, out of reach of scripts."""
    answer.set_cookie(
        name,
        value,
        max_age=SESSION_HOURS * 3600,
        path=COOKIE_PATH,
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )


def drop_cookie(request: Request, answer: Response, name: str) -> None:
    """Forget it."""
    answer.delete_cookie(
        name, path=COOKIE_PATH, httponly=True, samesite="strict", secure=is_secure(request)
    )


def is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS: to us, or to a trusted proxy that says so."""
    if request.url.scheme == "https":
        return True
    settings = parts_of(request).settings
    said = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    peer = request.client.host if request.client else ""
    try:
        trusted = any(ip_address(peer) in network for network in settings.proxies)
    except ValueError:
        return False
    return trusted and said == "https"
