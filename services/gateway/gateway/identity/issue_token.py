"""Tokens: by password, or by a partner for its customer; 24 hours, kept as a hash only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import prometheus_client
from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.copies import wait_for
from chassis.database import Database
from chassis.errors import RefusedError
from chassis.logs import get_logger
from gateway.identity.authenticate import Caller
from gateway.identity.find_assumable import hold_grant
from gateway.identity.find_credential import ACTIVE, principal_of
from gateway.identity.keyring import Keyring
from gateway.identity.lineage import hold_line
from gateway.identity.minting import hash_of, new_token
from gateway.identity.models import Account, Operator, Password, Token
from gateway.identity.requests import User

log = get_logger(__name__)

TOKEN_HOURS = 24
ON_ITS_WAY_SECONDS = 60
SIGN_INS = prometheus_client.Counter(
    "channelbus_sign_ins_total", "Sign-ins by password, by the code of their refusal", ["code"]
)


class WrongPasswordError(RefusedError):
    """No such account, or another password; the caller cannot tell which."""

    code = "CHB.0401"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and whose it is; `text` is shown once and kept nowhere."""

    text: str
    token: Token
    account: Account
    operator: Operator | None = None


async def sign_in(
    database: Database, keyring: Keyring, user: User, address: str, now: datetime
) -> IssuedToken:
    """A token for an account, or for an operator of it, against its password.

    Somebody made a moment ago is waited for (2 s). No connection is held while the password is
    computed, or while it waits for its turn: it takes long, and others need connections.
    """
    try:
        await keyring.sign_ins.take(database, user.domain.name, user.name, address, now)
        holder = await _prove(database, keyring, user, address)
    except RefusedError as refused:
        log.warning(
            "sign-in refused", code=refused.refusal_code, account=user.domain.name,
            user=user.name, address=address,
        )  # fmt: skip
        SIGN_INS.labels(refused.refusal_code).inc()
        raise
    SIGN_INS.labels("").inc()
    keyring.sign_ins.forgive(user.domain.name, user.name, address)
    account, operator = holder.Account, holder.Operator
    operator_id = operator.id if operator else None
    async with database.transaction() as session:
        await _hold(session, holder.ref, operator_id)
        issued = _issue(session, "password", account, now, operator_id=operator_id)
        issued.token.address = address
        who = principal_of(issued.token, account, operator, granted=False)
        assert who is not None
        audit.record(session, who, "account.sign_in", account.id, now)
    return IssuedToken(issued.text, issued.token, account, operator)


async def exchange_token(
    session: AsyncSession, caller: Caller, account_id: str, now: datetime
) -> IssuedToken:
    """A token with which a partner acts for its customer (`find_assumable`) while it agrees.

    It ends with the credential that the partner came with.
    """
    principal = caller.principal
    line = await hold_line(session, caller.credentials, now)
    account = await hold_grant(session, principal, account_id)
    audit.record(session, principal, "account.assume", account.id, now)
    issued = _issue(
        session,
        "assume_role",
        account,
        now,
        operator_id=principal.operator_id,
        acting_partner_id=principal.id,
    )
    issued.token.ancestors = list(line.names)
    issued.token.expires_at = line.no_later_than(issued.token.expires_at)
    return issued


def _issue(
    session: AsyncSession,
    method: str,
    account: Account,
    now: datetime,
    *,
    operator_id: str | None,
    acting_partner_id: str | None = None,
) -> IssuedToken:
    text = new_token()
    token = Token(
        hash=hash_of(text),
        account_id=account.id,
        operator_id=operator_id,
        acting_partner_id=acting_partner_id,
        method=method,
        issued_at=now,
        expires_at=now + timedelta(hours=TOKEN_HOURS),
    )
    session.add(token)
    return IssuedToken(text, token, account)


async def _prove(database: Database, keyring: Keyring, user: User, address: str) -> Row[Any]:
    """Whose password it is; who was made, or got a new one, a moment ago is waited for."""
    holder, is_right = await _look(database, keyring, user, address)
    if not is_right and await _is_on_its_way(database, user, holder):
        known = holder.ref if holder else None
        async with keyring.sign_ins.waiting():
            await wait_for(database, lambda session: _find_newer(session, user, known))
        holder, is_right = await _look(database, keyring, user, address)
    if holder is None or not is_right:
        raise WrongPasswordError
    return holder


async def _look(
    database: Database, keyring: Keyring, user: User, address: str
) -> tuple[Row[Any] | None, bool]:
    """Who has that name, and whether the password is its own; in one's turn."""
    async with keyring.passwords.turn(address):
        async with database.transaction() as session:
            holder: Any = (await session.execute(_holder(user))).first()
        kept = holder.hash if holder else None
        return holder, await keyring.passwords.matches(kept, user.password)


async def _is_on_its_way(database: Database, user: User, holder: Row[Any] | None) -> bool:
    """Whether a password was kept just now that may be this one's, and no event has bound it."""
    names = [user.name]
    if holder is not None and holder.Operator is not None:
        names.append(holder.Operator.id)
    kept_at = func.now() - timedelta(seconds=ON_ITS_WAY_SECONDS)
    waiting = select(Password.ref).where(
        Password.owner_id.is_(None),
        Password.created_at > kept_at,
        or_(Password.expected.in_(names), Password.expected.is_(None)),
    )
    async with database.transaction() as session:
        return await session.scalar(waiting.limit(1)) is not None


async def _find_newer(session: AsyncSession, user: User, known: str | None) -> str | None:
    """The reference of the holder's password, if it is another than the known one."""
    holder = (await session.execute(_holder(user))).first()
    return holder.ref if holder and holder.ref != known else None


async def _hold(session: AsyncSession, ref: str, operator_id: str | None) -> None:
    """What ends password or operator meanwhile waits for the token, to end it, too."""
    password = select(Password.ref).where(Password.ref == ref).with_for_update(read=True)
    stands = await session.scalar(password) is not None
    if operator_id is not None:
        active = (Operator.id == operator_id) & (Operator.status == ACTIVE)
        operator = select(Operator.id).where(active).with_for_update(read=True)
        stands = stands and await session.scalar(operator) is not None
    if not stands:
        raise WrongPasswordError


def _holder(user: User) -> Select[Account, Operator, str, str]:
    """The newest password of the account of that name, or of its operator of that name."""
    is_account = Account.account_name == user.name
    is_operator = (Operator.account_name == user.name) & (Operator.status == ACTIVE)
    return (
        select(Account, Operator, Password.hash, Password.ref)
        .outerjoin(Operator, (Operator.partner_id == Account.id) & is_operator)
        .join(
            Password,
            or_(
                Password.owner_id == Operator.id,
                (Password.owner_id == Account.id) & is_account,
            ),
        )
        .where(Account.account_name == user.domain.name)
        .order_by(Password.created_at.desc())
    )
