"""Proofs of the ledger that were made by themselves."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from voucher.models import Tables


class Proof(Tables):
    """One look at everything, by the wall's time; ids are in that order."""

    __tablename__ = "proofs"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    milliseconds: Mapped[int]  # how long it took
    differences: Mapped[int]  # 0: the ledger balances
