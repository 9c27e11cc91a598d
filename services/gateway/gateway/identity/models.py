"""Who there is, and what proves it. Requests never run with rights on these tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES


class IdentityTables(DeclarativeBase):
    """Apart from the read models' tables: no tenant's request may read a credential."""

    type_annotation_map = COLUMN_TYPES


class Account(IdentityTables):
    """A partner's or customer's account, copied from its owner's events."""

    __tablename__ = "identity_accounts"
    __table_args__ = (Index("identity_accounts_folded", text("lower(account_name)")),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # as Principal.kind
    account_name: Mapped[str] = mapped_column(index=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    site: Mapped[str]
    status: Mapped[str | None]  # a partner's
    xaccount_type: Mapped[str | None]  # a customer's, as the three below
    association_type: Mapped[str | None]
    association_status: Mapped[str | None]
    version: Mapped[int]
    # Ours, not from events: how many requests a second instead of the operation's own limit.
    requests_per_second: Mapped[int | None]


class Operator(IdentityTables):
    """A person who signs in for a partner, with the permission items it has."""

    __tablename__ = "identity_operators"
    __table_args__ = (Index("identity_operators_folded", text("lower(account_name)")),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(index=True)
    account_name: Mapped[str] = mapped_column(index=True)
    role: Mapped[str | None]  # none: not told yet since the column is there (complete_roles.py)
    permissions: Mapped[list[Any]]
    status: Mapped[str]  # "active" | "disabled"
    version: Mapped[int]


class Authorization(IdentityTables):
    """A customer's grant to its partner to act on its behalf.

    See docs/domain/acting-on-behalf.md F6.
    """

    __tablename__ = "identity_authorizations"
    __table_args__ = (Index("identity_authorizations_of", "customer_id", "partner_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    status: Mapped[str]  # "requested" | "active" | "refused" | "terminated"
    version: Mapped[int]


class Password(IdentityTables):
    """A password under a reference, until an event says whose it is (decision 0015)."""

    __tablename__ = "passwords"
    __table_args__ = (
        Index("passwords_unbound", "created_at", postgresql_where=text("owner_id IS NULL")),
    )

    ref: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str | None] = mapped_column(index=True)  # account or operator; none: not bound
    hash: Mapped[str]  # argon2id with its parameters
    # For whom it was kept, as far as that was known: a login name, or the id of an operator.
    expected: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AccessKey(IdentityTables):
    """A permanent key, or a temporary one: that expires and needs its security token."""

    __tablename__ = "access_keys"
    __table_args__ = (
        Index("access_keys_below", "ancestors", postgresql_using="gin"),
        Index("access_keys_of_operator", "operator_id", postgresql_where=text("operator_id <> ''")),
        Index("access_keys_acting", "acting_partner_id",
              postgresql_where=text("acting_partner_id <> ''")),
    )  # fmt: skip

    access: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(index=True)
    operator_id: Mapped[str | None]
    acting_partner_id: Mapped[str | None]  # the partner that exchanged it for its customer
    secret: Mapped[bytes]  # AES-GCM: nonce and ciphertext
    secret_key_id: Mapped[str]  # which of ENCRYPTION_KEYS
    security_token_hash: Mapped[str | None]  # SHA-256, of a temporary key
    # By which credentials it was exchanged (lineage.py), the first one first.
    ancestors: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(server_default="active")  # "active" | "inactive" | "ended"
    description: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class Token(IdentityTables):
    """A token by the SHA-256 of its text; the text itself is nowhere."""

    __tablename__ = "tokens"
    __table_args__ = (
        Index("tokens_below", "ancestors", postgresql_using="gin"),
        Index("tokens_of_operator", "operator_id", postgresql_where=text("operator_id <> ''")),
        Index("tokens_acting", "acting_partner_id",
              postgresql_where=text("acting_partner_id <> ''")),
    )  # fmt: skip

    hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(index=True)
    operator_id: Mapped[str | None]
    acting_partner_id: Mapped[str | None]
    method: Mapped[str]  # "password" | "assume_role"
    address: Mapped[str | None]  # from which somebody signed in
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    ancestors: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))


class LoginNameClaim(IdentityTables):
    """A login name that a command is about to give to somebody of a kind (login_names.py)."""

    __tablename__ = "login_name_claims"

    name: Mapped[str] = mapped_column(primary_key=True)  # letters folded
    kind: Mapped[str]
    claims: Mapped[int]  # commands that claimed it and were not refused
    claimed_at: Mapped[datetime] = mapped_column(index=True)


class UsedSignature(IdentityTables):
    """A signature under which money or coupons were moved: it moves none again."""

    __tablename__ = "used_signatures"

    signature: Mapped[str] = mapped_column(primary_key=True)
    access: Mapped[str]
    request_id: Mapped[str]
    used_at: Mapped[datetime] = mapped_column(index=True)


class KeptAnswer(IdentityTables):
    """A signed PUT or DELETE, and what it was answered with (forwarding/kept_answers.py)."""

    __tablename__ = "kept_answers"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    status: Mapped[int | None]  # none: it is under way
    headers: Mapped[list[Any] | None]  # pairs of name and value
    body: Mapped[bytes | None]  # none although there is a status: it was too large
