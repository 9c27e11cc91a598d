"""A wire request's body, read by the model that the caller's site asks for."""

from typing import TypeVar

from pydantic import ValidationError

from chassis.errors import RefusedError
from chassis.routes import read_json
from wire.types import WireRequest, error_of

Wanted = TypeVar("Wanted", bound=WireRequest)


async def read_body(model: type[Wanted], raw: bytes) -> Wanted:
    """The request; no bytes are an empty object, as the SDK sends them.

    See docs/domain/wire-protocol.md D.4a.4.

    Raises:
        RefusedError: CBC.0100 or CBC.0101 with the field's name.

    """
    content = await read_json(raw) if raw else {}
    try:
        return model.model_validate(content)
    except ValidationError as error:
        code, field = error_of(error.errors())
        raise RefusedError(field, code=code) from error
