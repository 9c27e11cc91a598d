"""What the native API shows of an order's history and of what may be done with it."""

from datetime import datetime

from order.history.show_actions import Action
from order.history.show_history import OrderHistory
from wire.native import NativeAnswer


class ChangeAnswer(NativeAnswer):
    """One fact of an order's life; what is not known of an older order is null."""

    at: datetime
    event: str
    from_status: int | None
    to_status: int | None
    # The account that acted (or its operator, for readers of that account), "administrator" or
    # "system"
    by: str | None
    code: str | None  # why a payment failed
    detail: str | None  # why the order ended, or what was said by who declined


class OrderHistoryAnswer(NativeAnswer):
    """The facts, oldest first; not complete when there are more than are shown: the latest are."""

    order_id: str
    history: list[ChangeAnswer]
    is_complete: bool


class ReasonAnswer(NativeAnswer):
    """Why not: the refusal that the command would answer, and the things of the order it names."""

    code: str
    message: str
    ids: list[str]


class ActionAnswer(NativeAnswer):
    """A command; about several things it is allowed if one of them allows it."""

    action: str  # pay, cancel, renew, unsubscribe, change, request_payment
    allowed: bool
    reasons: list[ReasonAnswer]


class OrderActionsAnswer(NativeAnswer):
    """What may be done with the order as of an instant."""

    order_id: str
    as_of: datetime
    actions: list[ActionAnswer]


def native_history(history: OrderHistory) -> OrderHistoryAnswer:
    """The history as it is shown."""
    return OrderHistoryAnswer(
        order_id=history.order.order_id,
        history=[ChangeAnswer.of(change) for change in history.changes],
        is_complete=history.is_complete,
    )


def native_action(action: Action, language: str) -> ActionAnswer:
    """The action, with its refusals in the language asked for."""
    reasons = [
        ReasonAnswer(
            code=reason.refusal.refusal_code, message=reason.refusal.message(language),
            ids=reason.ids,
        )
        for reason in action.reasons
    ]  # fmt: skip
    return ActionAnswer(action=action.action, allowed=action.allowed, reasons=reasons)
