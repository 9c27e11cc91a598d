"""Tokens: by password, or by a partner for its customer; 24 hours, kept as a hash only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.database import Database
from chassis.errors import RefusedError
from gateway.identity.authenticate import Caller
from gateway.identity.find_assumable import hold_grant
from gateway.identity.find_credential import ACTIVE, principal_of
from gateway.identity.keyring import Keyring
from gateway.identity.lineage import hold_line
from gateway.identity.minting import hash_of, new_token
from gateway.identity.models import Account, Operator, Password, Token
from gateway.identity.requests import User

TOKEN_HOURS = 24


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


async def sign_in(database: Database, keyring: Keyring, user: User, now: datetime) -> IssuedToken:
    """A token for an account, or for an operator of it, against its password.

    No connection is held while the password is computed: it takes long, and others wait for it.
    """
    attempts = f"{user.domain.name}/{user.name}"
    keyring.sign_ins.take(attempts, keyring.sign_ins_per_minute, now)
    async with database.transaction() as session:
        row = (await session.execute(_holder(user))).first()
    if not await keyring.passwords.matches(row.hash if row else None, user.password):
        raise WrongPasswordError
    assert row is not None
    keyring.sign_ins.forgive(attempts)
    account, operator = row.Account, row.Operator
    operator_id = operator.id if operator else None
    async with database.transaction() as session:
        await _hold(session, row.ref, operator_id)
        issued = _issue(session, "password", account, now, operator_id=operator_id)
        who = principal_of(issued.token, account, operator, granted=False)
        assert who is not None
        audit.record(session, who, "sign_in", account.id, now)
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
    audit.record(session, principal, "assume_role", account.id, now)
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
