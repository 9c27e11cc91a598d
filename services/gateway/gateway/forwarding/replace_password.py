"""Put a reference where a password stood, before the body leaves the gateway."""

from dataclasses import dataclass
from typing import Any

from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.identity import Principal
from gateway.forwarding.received import Received
from gateway.identity.keep_password import keep_password, new_reference, repeated_reference
from gateway.identity.password_rules import check_password
from gateway.identity.passwords import Passwords
from wire.json import dumps, loads

FIELD = "password"
REFERENCE = "credential_ref"


@dataclass(frozen=True, slots=True)
class PasswordDesk:
    """What it takes to keep a password."""

    database: Database
    passwords: Passwords
    secret: bytes

    async def replace(self, request: Received, principal: Principal) -> bytes:
        """The body to forward; what is no JSON object goes on as it is, for its service to refuse.

        A reference that the caller wrote itself is taken out.

        Raises:
            BadFieldError: the rest cannot be written as JSON again.

        """
        try:
            content = loads(request.body)
        except ValueError:
            return request.body
        if not isinstance(content, dict) or not {FIELD, REFERENCE} & content.keys():
            return request.body
        content.pop(REFERENCE, None)
        password = content.pop(FIELD, None)
        body = _written(content)  # before anything is kept
        if password is None:
            return body
        content[REFERENCE] = await self._keep(password, content, request, principal)
        return dumps(content)

    async def _keep(
        self, password: Any, content: dict[str, Any], request: Received, principal: Principal
    ) -> str:
        name = content.get("domain_name") or content.get("account_name")
        checked = check_password(password, name, content.get("mobile_phone"))
        key = request.header(b"idempotency-key")
        if key is None:
            ref = new_reference()
        else:
            ref = repeated_reference(self.secret, principal.id, key, request.body)
        hashed = await self.passwords.hash(checked)
        async with self.database.transaction() as session:
            await keep_password(session, ref, hashed)
        return ref


def _written(content: dict[str, Any]) -> bytes:
    """As bytes; no service takes numbers beyond 64 bits or half of a surrogate pair either."""
    try:
        return dumps(content)
    except TypeError as error:
        raise BadFieldError("body", str(error)) from error
