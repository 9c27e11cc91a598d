"""What counts of searches are kept by."""

from datetime import date

from sqlalchemy import ARRAY, BigInteger, Text, text
from sqlalchemy import Identity as GeneratedId
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.models import Tables


class Tally(Tables):
    """How many of a partner's associated customers count for something (migration 0007)."""

    __tablename__ = "tallies"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    counted: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    distributor_id: Mapped[str | None]
    customers: Mapped[int]
    # Of a longer text: whether folded texts were counted. Version 0.2 counted others.
    of_folded: Mapped[bool] = mapped_column(server_default=text("false"))


class TallyChange(Tables):
    """One customer entered (+1) or left (-1) a tally; appended by triggers, summed up later."""

    __tablename__ = "tally_changes"

    number: Mapped[int] = mapped_column(BigInteger, GeneratedId(always=True), primary_key=True)
    partner_id: Mapped[str] = mapped_column(index=True)
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    associated_day: Mapped[date]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    account_name: Mapped[str] = mapped_column(server_default="")  # folded
    customer_name: Mapped[str] = mapped_column(server_default="")  # folded
    label: Mapped[str] = mapped_column(server_default="")  # folded, but for its case
    by: Mapped[int]
