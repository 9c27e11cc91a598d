"""In which transaction of which database server a fact was stated.

Each fact carries it into Kafka: after a restore it says whether the owner still knows the fact,
since a restored server says of each of its transactions whether it was committed (decision 0154).
"""

from dataclasses import dataclass

TRANSACTION_HEADER = "ce_transaction"
_ROUND = 2**32  # a row keeps the lower half of its transaction's number


@dataclass(frozen=True, slots=True)
class Transaction:
    """`server` is PostgreSQL's system identifier, the same before and after a physical restore."""

    server: int
    number: int

    @classmethod
    def of_row(cls, server: int, lower_half: int, next_number: int) -> "Transaction":
        """From a row's `xmin` and the number that the next transaction gets."""
        return cls(server, next_number - (next_number - lower_half) % _ROUND)

    @classmethod
    def read(cls, text: str | None) -> "Transaction | None":
        """None when the header is not there or says something else."""
        server, _, number = (text or "").partition("/")
        if not (server.isascii() and number.isascii() and server.isdigit() and number.isdigit()):
            return None
        return cls(int(server), int(number))

    def __str__(self) -> str:
        return f"{self.server}/{self.number}"
