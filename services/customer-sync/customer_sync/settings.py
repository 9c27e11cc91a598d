"""What this service reads from its environment beside the common settings."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import ServiceSettings
from customer_sync.sweep.models import UPSTREAM_SLOTS


class CustomerSyncSettings(ServiceSettings):
    """Environment variables by the fields' names, upper case."""

    mobile_accounts_max: int = Field(default=5, ge=1, description="accounts that share a phone")
    realname_authentication: bool = Field(
        default=True, description="partners may apply for their customers (CBC.99005030)"
    )
    face_verification_page: str | None = Field(
        default=None, max_length=400, description="address of the page that looks at faces"
    )
    association_delay_seconds: float = Field(
        default=0.0, ge=0, description="how long a new customer's association takes; 0: none"
    )
    association_wait_seconds: float = Field(
        default=2.0, ge=0, le=20, description="then a create that asked for it is CBC.99000050"
    )
    verification_pause_seconds: float = Field(
        default=60.0, ge=0, le=86_400, description="between two codes to one phone or mailbox"
    )
    verification_sender: Literal["log", "file"] = "log"
    verification_file: str | None = Field(
        default=None, description="where the file sender appends codes, for tests and development"
    )

    upstream_ak: SecretStr | None = None
    upstream_sk: SecretStr | None = None
    upstream_domain_id: str | None = Field(default=None, description="our account at the upstream")
    upstream_partner_id: str | None = Field(
        default=None, description="the local account that owns what is mirrored; else the same id"
    )
    upstream_site: Literal["china", "international"] = "china"
    upstream_requests_per_second: int = Field(default=UPSTREAM_SLOTS, ge=1, le=UPSTREAM_SLOTS)
    upstream_timeout_seconds: float = Field(default=15.0, gt=0, le=20)
    sweep_every_seconds: float = Field(default=300.0, gt=0)
    sweep_page_customers: int = Field(default=100, ge=2, le=100)
    sweep_overlap_customers: int = Field(default=10, ge=1)
    sweep_lease_seconds: float = Field(default=30.0, gt=0)

    @property
    def mirror_partner_id(self) -> str:
        """The local account that owns what is mirrored."""
        return self.upstream_partner_id or self.upstream_domain_id or ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        keys = (self.upstream_ak, self.upstream_sk, self.upstream_domain_id)
        if self.connected and not all(keys):
            raise ValueError("UPSTREAM_URL needs UPSTREAM_AK, UPSTREAM_SK and UPSTREAM_DOMAIN_ID")
        if self.verification_sender == "file" and not self.verification_file:
            raise ValueError("VERIFICATION_SENDER=file needs VERIFICATION_FILE")
        if self.sweep_overlap_customers >= self.sweep_page_customers:
            raise ValueError("SWEEP_OVERLAP_CUSTOMERS must be smaller than SWEEP_PAGE_CUSTOMERS")
        return self
