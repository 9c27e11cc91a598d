"""What the native API shows of real-name authentication."""

from wire.native import NativeAnswer


class ReviewAnswer(NativeAnswer):
    """How the customer's real name stands after the decision."""

    customer_id: str
    verified_status: str


class TicketAnswer(NativeAnswer):
    """Whose ticket it was."""

    customer_id: str
