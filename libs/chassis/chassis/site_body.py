"""A wire request's body, read by the model of the caller's site: their SDKs send it otherwise."""

from typing import Generic, TypeVar

from fastapi import Request
from pydantic import ValidationError

from chassis.errors import RefusedError
from chassis.identity import CurrentPrincipal
from chassis.routes import read_json
from wire.operations import CHINA
from wire.types import WireRequest, error_of

China = TypeVar("China", bound=WireRequest)
Abroad = TypeVar("Abroad", bound=WireRequest)


class SiteBody(Generic[China, Abroad]):
    """A door's parameter depends on it: `Annotated[Here | There, Depends(SiteBody(Here, There))]`.

    Where both sites send the same, the parameter is the model itself.
    """

    def __init__(self, china: type[China], abroad: type[Abroad]):
        self._china, self._abroad = china, abroad

    async def __call__(self, request: Request, principal: CurrentPrincipal) -> China | Abroad:
        """The request; no bytes are an empty object, as the SDK sends them.

        See docs/domain/wire-protocol.md D.4a.4.

        Raises:
            RefusedError: CBC.0100 or CBC.0101 with the field's name.

        """
        raw = await request.body()
        content = await read_json(raw) if raw else {}
        model = self._china if principal.site == CHINA else self._abroad
        try:
            return model.model_validate(content)
        except ValidationError as error:
            code, field = error_of(error.errors())
            raise RefusedError(field, code=code) from error
