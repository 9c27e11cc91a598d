"""Bodies of the IAM v3 calls that an SDK user makes, as the official IAM SDK sends them."""

from typing import Any, Literal

from pydantic import Field

from wire.types import WireRequest

DURATION_SECONDS_MIN = 15 * 60
DURATION_SECONDS_MAX = 24 * 3600
NAME_CHARACTERS_MAX = 128
DESCRIPTION_CHARACTERS_MAX = 255


class Domain(WireRequest):
    """An account by its name."""

    name: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX)


class User(WireRequest):
    """Who signs in: the account itself (its own name) or one of its operators."""

    name: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX)
    password: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX, repr=False)
    domain: Domain


class Password(WireRequest):
    """Method `password`."""

    user: User


class AssumeRole(WireRequest):
    """Method `assume_role`: the customer's account, and the platform id as agency."""

    agency_name: str = Field(min_length=1, max_length=64)
    domain_name: str | None = Field(default=None, max_length=NAME_CHARACTERS_MAX)
    domain_id: str | None = Field(default=None, max_length=64)
    duration_seconds: int = Field(
        default=DURATION_SECONDS_MIN, ge=DURATION_SECONDS_MIN, le=DURATION_SECONDS_MAX
    )


class TokenIdentity(WireRequest):
    """How a token is asked for."""

    methods: list[Literal["password", "assume_role"]] = Field(min_length=1, max_length=1)
    password: Password | None = None
    assume_role: AssumeRole | None = None


class TokenAuth(WireRequest):
    """`scope` is ignored: every token is the account's."""

    identity: TokenIdentity


class TokenRequest(WireRequest):
    """POST /v3/auth/tokens."""

    auth: TokenAuth


class NewCredential(WireRequest):
    """A permanent key for a principal; for the caller itself when none is named."""

    user_id: str | None = Field(default=None, max_length=64)
    description: str = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class CreateAccessKey(WireRequest):
    """POST /v3.0/OS-CREDENTIAL/credentials."""

    credential: NewCredential


class ChangedCredential(WireRequest):
    """What of a permanent key may change."""

    status: Literal["active", "inactive"] | None = None
    description: str | None = Field(default=None, max_length=DESCRIPTION_CHARACTERS_MAX)


class ChangeAccessKey(WireRequest):
    """PUT /v3.0/OS-CREDENTIAL/credentials/{access_key}."""

    credential: ChangedCredential


class OwnToken(WireRequest):
    """A token whose principal the temporary key shall have; X-Auth-Token's when none is given."""

    id: str | None = Field(default=None, max_length=4096, repr=False)
    duration_seconds: int = Field(
        default=DURATION_SECONDS_MIN, ge=DURATION_SECONDS_MIN, le=DURATION_SECONDS_MAX
    )


class KeyIdentity(WireRequest):
    """How a temporary key is asked for. A `policy` would narrow it, which is not offered."""

    methods: list[Literal["assume_role", "token"]] = Field(min_length=1, max_length=1)
    assume_role: AssumeRole | None = None
    token: OwnToken | None = None
    policy: dict[str, Any] | None = None


class KeyAuth(WireRequest):
    """The wrapper IAM has."""

    identity: KeyIdentity


class SecurityTokenRequest(WireRequest):
    """POST /v3.0/OS-CREDENTIAL/securitytokens."""

    auth: KeyAuth


class SetRateLimit(WireRequest):
    """PUT /api/principals/{id}/rate-limit; null takes the override away."""

    requests_per_second: int | None = Field(default=None, ge=1, le=1_000_000)
