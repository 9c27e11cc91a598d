"""The solutions that a partner builds and has certified."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from partner.models import Tables


class Solution(Tables):
    """A solution of a partner; a draft counts as one (docs/domain/coupons.md F9)."""

    __tablename__ = "solutions"
    __table_args__ = (Index("solutions_of", "partner_id", "solution_id"),)

    solution_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.partner_id"))
    distributor_id: Mapped[str | None]
    name: Mapped[str]
    # "basic_software" | "cloud_software" | "advanced_cloud_software" | "consulting"
    solution_class: Mapped[str]
    certification: Mapped[str]  # "none" | "cloud_software" | "advanced_cloud_software"
    created_at: Mapped[datetime]
    version: Mapped[int]
