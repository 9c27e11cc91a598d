"""What the native API shows of an adjustment; amounts are texts of two decimals."""

from datetime import datetime

from wire.native import Money, NativeAnswer


class AdjustmentAnswer(NativeAnswer):
    """The line that was written; below zero for what went back."""

    line_id: str
    corrects: str  # the line that was adjusted
    customer_id: str
    payer_id: str | None
    bill_cycle: str  # YYYY-MM, Beijing
    bill_type: int  # 9 compensation, 16 deduction
    trade_time: datetime
    reason: str
    currency: str
    payment_amount: Money
    cash_amount: Money
    credit_amount: Money
    debt_amount: Money
