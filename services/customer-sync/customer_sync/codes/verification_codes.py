"""Codes that prove a phone or mailbox: six digits, some minutes, a few tries.

See docs/domain/verification.md B.9.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from customer_sync.codes.models import VerificationCode

REGISTRATION, BANK_CARD = 29, 18  # scenes, by the vendor's numbers
ENTERPRISE_MEMBER = 1001  # a scene of our own, past the vendor's: a master makes a member
CODE_DIGITS = 6
FAILURES_MAX = 3  # one more voids the code
FAILURES_KEPT = timedelta(minutes=10)  # a new code does not make them undone


class _CodeError(RefusedError):
    """Refused by the codes of registration, or by those of all other operations."""

    elsewhere: ClassVar[str]

    def __init__(self, scene: int = REGISTRATION):
        super().__init__(code=self.code if scene == REGISTRATION else self.elsewhere)


class CodeWrongError(_CodeError):
    """Not the code that was sent, or none was."""

    code = "CBC.99004010"
    elsewhere = "CBC.99000026"


class CodeExpiredError(_CodeError):
    """Too old, or used already."""

    code = "CBC.99004008"
    elsewhere = "CBC.99000027"


class CodeVoidError(_CodeError):
    """Too many wrong tries; a new code is needed. Elsewhere it counts as an expired one."""

    code = "CBC.99004009"
    elsewhere = "CBC.99000027"


class CodeTooSoonError(RefusedError):
    """The receiver was sent a code a moment ago, or too many wrong ones were tried."""

    code = "APIGW.0308"


def _mac(key: bytes, receiver: str, code: str) -> str:
    return hmac.new(key, f"verification\n{receiver}\n{code}".encode(), hashlib.sha256).hexdigest()


async def issue_code(
    session: AsyncSession,
    keys: dict[str, bytes],
    partner_id: str,
    scene: int,
    receiver: str,
    expires_at: datetime,
    now: datetime,
) -> str:
    """A new code; the one before it is void. Only its keyed hash is kept.

    Wrong tries of the code before count on: else each new code would allow three guesses more.

    Raises:
        CodeTooSoonError: as many wrong codes as may be were tried a moment ago.

    """
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    row = insert(VerificationCode).values(
        partner_id=partner_id,
        scene=scene,
        receiver=receiver,
        code_mac=_mac(next(iter(keys.values())), receiver, code),
        expires_at=expires_at,
        failures=0,
    )
    known = VerificationCode
    fresh = known.failed_at > now - FAILURES_KEPT
    anew = {
        "code_mac": row.excluded.code_mac,
        "expires_at": row.excluded.expires_at,
        "failures": case((fresh & known.used_at.is_(None), known.failures), else_=0),
        "used_at": None,
    }
    issued = await session.execute(
        row.on_conflict_do_update(
            index_elements=["partner_id", "scene", "receiver"],
            set_=anew,
            where=(known.failures <= FAILURES_MAX) | known.failed_at.is_(None) | ~fresh,
        ).returning(known.receiver)
    )
    if issued.first() is None:
        minutes = FAILURES_KEPT // timedelta(minutes=1)
        raise CodeTooSoonError(
            f"Too many wrong codes: a new one is sent {minutes} minutes after the last.",
            detail_zh=f"验证码错误次数过多，请在最后一次尝试{minutes}分钟后重新获取。",
        )
    return code


async def pause_between_codes(
    session: AsyncSession, receiver: str, seconds: float, now: datetime
) -> None:
    """Let a phone or mailbox rest between two codes, also of different callers.

    Raises:
        CodeTooSoonError: it was sent one a moment ago.

    """
    begun = func.begin_code_pause(receiver, now, now - timedelta(seconds=seconds))
    if not await session.scalar(select(begun)):
        raise CodeTooSoonError(
            f"A code was sent less than {seconds:.0f} seconds ago.",
            detail_zh=f"距上次发送验证码不足{seconds:.0f}秒。",
        )


async def try_code(
    session: AsyncSession,
    keys: dict[str, bytes],
    partner_id: str,
    receiver: str,
    code: str,
    now: datetime,
    scene: int = REGISTRATION,
) -> RefusedError | None:
    """None when the scene's code is right; else the refusal, with the failure counted.

    The refusal is returned, not raised: the caller commits the count before it refuses.
    """
    known = await session.get(VerificationCode, (partner_id, scene, receiver), with_for_update=True)
    if known is None:
        return CodeWrongError(scene)
    if known.failures > FAILURES_MAX:
        return CodeVoidError(scene)
    if known.used_at is not None or known.expires_at <= now:
        return CodeExpiredError(scene)
    if _is_right(known, keys, code):
        return None
    known.failures += 1
    known.failed_at = now
    return CodeVoidError(scene) if known.failures > FAILURES_MAX else CodeWrongError(scene)


def _is_right(known: VerificationCode, keys: dict[str, bytes], code: str) -> bool:
    given = [_mac(key, known.receiver, code) for key in keys.values()]
    return any(hmac.compare_digest(known.code_mac, mac) for mac in given)


async def use_code(
    session: AsyncSession,
    keys: dict[str, bytes],
    partner_id: str,
    receiver: str,
    code: str,
    now: datetime,
    scene: int = REGISTRATION,
) -> None:
    """Spend the code that was tried; of two commands with one code only one gets it.

    Raises:
        CodeExpiredError: another command was quicker, or a new code was sent meanwhile.

    """
    macs = [_mac(key, receiver, code) for key in keys.values()]
    used = await session.execute(
        update(VerificationCode)
        .where(
            VerificationCode.partner_id == partner_id,
            VerificationCode.scene == scene,
            VerificationCode.receiver == receiver,
            VerificationCode.code_mac.in_(macs),
            VerificationCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(VerificationCode.receiver)
    )
    if used.first() is None:
        raise CodeExpiredError(scene)


def expiry(now: datetime, timeout_minutes: int | None) -> datetime:
    """Ten minutes unless told; more than sixty becomes five, sic.

    See docs/domain/verification.md B.9.
    """
    minutes = 10 if timeout_minutes is None else timeout_minutes
    return now + timedelta(minutes=5 if minutes > 60 else minutes)
