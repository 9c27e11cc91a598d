"""Which users of a partner's platform are bound to which account."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.models import Tables


class SamlBinding(Tables):
    """One of the users that an account has on the partner's platform."""

    __tablename__ = "saml_bindings"
    __table_args__ = (Index("saml_bindings_of_customer", "customer_id"),)

    xaccount_type: Mapped[str] = mapped_column(primary_key=True)
    xaccount_id: Mapped[str] = mapped_column(primary_key=True)
    xuser_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    bound_at: Mapped[datetime]
