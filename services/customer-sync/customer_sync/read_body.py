"""A wire request's body, read by the model that the caller's site asks for."""

from typing import TypeVar

from pydantic import ValidationError

from chassis.errors import BadFieldError, RefusedError
from wire.json import loads
from wire.types import WireRequest, error_of

Request = TypeVar("Request", bound=WireRequest)


def read_body(model: type[Request], raw: bytes) -> Request:
    """The request; no bytes are an empty object, as the SDK sends them (domain.md D.4a.4).

    Raises:
        RefusedError: CBC.0100 or CBC.0101 with the field's name.

    """
    try:
        content = loads(raw) if raw else {}
    except ValueError as error:
        raise BadFieldError("body", "not JSON") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        code, field = error_of(error.errors())
        raise RefusedError(field, code=code) from error
