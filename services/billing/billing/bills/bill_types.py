"""Bill types of lines, and the coarser ones of sums (docs/domain/bills.md B.8, I.6).

1 new, 2 renewal, 3 change, 4 refund of an unsubscription, 5 usage, 8 automatic renewal, 9
compensation, 14 support plan, 16 deduction, 18 monthly payment, 20 refund of a change, 23 savings
plan, 24 refund of a conversion, 25 truncation top-up, 103 yearly payment. On the international
site also 12 by the hour, 15 tax, 17 below the guaranteed sum, 100 tax of a refund, 101 of a
compensation, 102 of a deduction.
"""

from sqlalchemy import ColumnElement, Integer, Text, literal_column

REFUNDS = (4, 20, 24, 100)
COMPENSATIONS = (9, 101)
DEDUCTIONS = (16, 102)
CONSUMED, REFUNDED, ADJUSTED = 1, 2, 3  # of a customer's monthly sum
NORMAL, UNSUBSCRIBED, VENDOR_WRITE_OFF = "0", "1", "2"  # of a partner's


def _one_of(types: tuple[int, ...]) -> str:
    return f"bill_type IN ({', '.join(str(kind) for kind in types)})"


# Written out, so that it is the same expression where it is chosen and where it is grouped by.
CUSTOMERS_CLASS: ColumnElement[int] = literal_column(
    f"CASE WHEN {_one_of(REFUNDS)} THEN {REFUNDED}"
    f" WHEN {_one_of((*COMPENSATIONS, *DEDUCTIONS))} THEN {ADJUSTED} ELSE {CONSUMED} END",
    Integer,
)
"""1 consumption, 2 refund, 3 adjustment."""
PARTNERS_CLASS: ColumnElement[str] = literal_column(
    f"CASE WHEN {_one_of(REFUNDS)} THEN '{UNSUBSCRIBED}'"
    f" WHEN {_one_of(COMPENSATIONS)} THEN '{VENDOR_WRITE_OFF}' ELSE '{NORMAL}' END",
    Text,
)
"""0 consumption with deductions, 1 unsubscription, 2 the vendor's write-off."""
