"""Conversions as the wire shows them (operations.json)."""

from typing import Any

from chassis.errors import RefusedError
from order.conversions.convert_now import Conversion
from wire.json import known


def error_detail(resource_id: str, refusal: RefusedError, language: str) -> dict[str, Any]:
    """ErrorDetail: why one of several was not taken."""
    return {
        "id": resource_id,
        "error_code": refusal.refusal_code,
        "error_msg": refusal.message(language),
    }


def conversion_result(done: Conversion, language: str) -> dict[str, Any]:
    """ToOndemandServiceResult; a failure says why, and has no order."""
    refusal = done.refusal
    taken = "AUDIT" if done.is_reviewed else "SUCCESS"
    return known(
        {
            "resource_id": done.resource_id,
            "result": taken if refusal is None else "FAIL",
            "error_code": refusal.refusal_code if refusal else None,
            "error_msg": refusal.message(language) if refusal else None,
            "order_id": done.order_id,
        }
    )
