"""What counts of lists are kept by."""

from datetime import date

from sqlalchemy import BigInteger, Index
from sqlalchemy import Identity as GeneratedId
from sqlalchemy.orm import Mapped, mapped_column

from voucher.models import Tables


class Tally(Tables):
    """How many of a partner's issued coupons, or records, have the same status and days (UTC).

    `status` of a record is its result. A coupon is gone when it ended, at the latest at its end;
    a record never.
    """

    __tablename__ = "tallies"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str] = mapped_column(primary_key=True)  # empty: nobody stands above
    counted: Mapped[str] = mapped_column(primary_key=True)  # coupon | record
    status: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_on: Mapped[date] = mapped_column(primary_key=True)
    gone_on: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int]


class TallyChange(Tables):
    """So many more, or fewer; appended by triggers (migration 0025), summed up later."""

    __tablename__ = "tally_changes"
    __table_args__ = (Index("tally_changes_of", "partner_id"),)

    id: Mapped[int] = mapped_column(BigInteger, GeneratedId(always=True), primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str]
    counted: Mapped[str]
    status: Mapped[int]
    made_on: Mapped[date]
    gone_on: Mapped[date]
    by: Mapped[int]
