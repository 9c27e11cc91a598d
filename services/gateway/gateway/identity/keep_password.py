"""Passwords stay here: what is forwarded names only a reference (decision 0015)."""

import hashlib
import hmac

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity.models import Password


def repeated_reference(secret: bytes, principal: str, idempotency_key: str, meaning: bytes) -> str:
    """The same for the same request, however it is written, under the same Idempotency-Key.

    Else what is forwarded would differ, and the owning service would call the key reused. Keyed,
    since others see the reference and must not be able to try passwords against it.
    """
    text = b"\n".join((principal.encode(), idempotency_key.encode(), meaning))
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:32]


async def keep_password(
    session: AsyncSession, ref: str, password_hash: str, expected: str | None = None
) -> None:
    """Keep it until an event says whose it is; a repeated request keeps it once.

    `expected` is the login name or operator for which it waits, as far as the request says it.
    """
    values = {"ref": ref, "hash": password_hash, "expected": expected}
    await session.execute(insert(Password).values(values).on_conflict_do_nothing())
