"""Put a reference where a password stood, before the body leaves the gateway."""

from dataclasses import dataclass
from typing import Any

from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.routes import read_json
from gateway.identity.keep_password import keep_password, repeated_reference
from gateway.identity.password_rules import check_password
from gateway.identity.passwords import Passwords
from gateway.received import Received
from wire.json import canonical, dumps

FIELD = "password"
REFERENCE = "credential_ref"
NAMES = ("domain_name", "account_name", "customer_name")  # the login name, as each body calls it


@dataclass(frozen=True, slots=True)
class PasswordDesk:
    """What it takes to keep a password."""

    database: Database
    passwords: Passwords
    secret: bytes

    async def replace(
        self, request: Received, principal: Principal, way: tuple[str, ...] = ()
    ) -> bytes:
        """The body to forward, which is read as its service reads it.

        `way` leads to the object that may hold a password. A reference that the caller wrote
        itself is taken out.

        Raises:
            BadFieldError: what cannot be read here, and so might hold a password all the same.
            BadFieldError, WeakPasswordError: the password.
            BadFieldError: a text or number that can be read and not written again.

        """
        if not request.body:
            return b""
        content = await read_json(request.body)
        meaning = canonical(content)
        holder = _at(content, way)
        if holder is None or not {FIELD, REFERENCE} & holder.keys():
            return request.body
        if (field := _unwritable(content)) is not None:
            raise BadFieldError(field, "no such text or number")
        holder.pop(REFERENCE, None)
        password = holder.pop(FIELD, None)
        if password is not None:
            holder[REFERENCE] = await self._keep(password, holder, request, principal, meaning)
        return dumps(content)

    async def _keep(
        self,
        password: Any,
        content: dict[str, Any],
        request: Received,
        principal: Principal,
        meaning: bytes,
    ) -> str:
        mobile = content.get("mobile_phone")
        checked = check_password(password, None, mobile)
        names = [str(content[field]) for field in NAMES if content.get(field)]
        for name in names:
            check_password(password, name, mobile)
        key = request.header(b"idempotency-key")
        if key is None:
            ref = new_id()
        else:
            ref = repeated_reference(self.secret, principal.id, key, meaning)
        hashed = await self.passwords.hash(checked)
        async with self.database.transaction() as session:
            await keep_password(session, ref, hashed, _expected(request, names))
        return ref


def _expected(request: Received, names: list[str]) -> str | None:
    """For whom the password waits: a name of the body, or the operator that a change names."""
    if names:
        return names[0]
    last = request.raw_path.decode("latin-1").rpartition("/")[2]
    return last if request.method == "PATCH" else None


def _at(content: Any, way: tuple[str, ...]) -> dict[str, Any] | None:
    """The object that the way leads to; None where nothing is given."""
    name = "body"
    for step in way:
        name, content = step, _object(name, content).get(step)
        if content is None:
            return None
    return _object(name, content)


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFieldError(name, "not an object")
    return value


def _unwritable(content: dict[str, Any]) -> str | None:
    """The outer field that no JSON of ours can hold: half a surrogate pair, 65 bits or more."""
    if _is_writable(content):
        return None
    unwritable = (n for n, value in content.items() if _is_writable(n) and not _is_writable(value))
    return next(unwritable, "body")


def _is_writable(value: Any) -> bool:
    try:
        dumps(value)
    except TypeError:
        return False
    return True
