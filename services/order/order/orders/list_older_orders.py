"""The older order list (docs/domain/orders.md F5): the newer one's rules, in older words.

Its parameters are known in two spellings: the vendor's own page has `create_time_begin`,
`page_index`, `page_size`; other callers say `createTimeBegin`, `offset`, `limit`. Both are taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from order.orders.list_orders import ListOrders, OrderPage, list_orders

PAGE_INDEX_MAX = 21_474_836  # pages of 100 until the offset's largest value

_SPELLINGS = {
    "orderId": "order_id",
    "customerId": "customer_id",
    "createTimeBegin": "create_time_begin",
    "createTimeEnd": "create_time_end",
    "paymentTimeBegin": "payment_time_begin",
    "paymentTimeEnd": "payment_time_end",
    "serviceTypeCode": "service_type_code",
    "serviceType": "service_type_code",
    "service_type": "service_type_code",
    "orderType": "order_type",
    "page_size": "limit",
    "pageSize": "limit",
    "pageIndex": "page_index",
}


class NotTheCallersPathError(RefusedError):
    """The path names another account than the caller's."""

    code = "CBC.0150"


@dataclass(frozen=True, slots=True)
class ListOlderOrders:
    """The newer list's query, and the page number if the caller counts pages (from 1)."""

    wanted: ListOrders
    page_index: int


def read_older_query(params: Mapping[str, str]) -> ListOlderOrders:
    """The query in either spelling.

    Raises:
        pydantic.ValidationError: as of the newer list's query.
        BadFieldError: the page number is none.

    """
    renamed = {_SPELLINGS.get(name, name): value for name, value in params.items()}
    page_index = _page_index(renamed.pop("page_index", ""))
    wanted = ListOrders.model_validate(renamed)
    if page_index is None:
        return ListOlderOrders(wanted, wanted.offset // wanted.limit + 1)
    offset = (page_index - 1) * wanted.limit
    return ListOlderOrders(wanted.model_copy(update={"offset": offset}), page_index)


def _page_index(text: str) -> int | None:
    if text == "":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= PAGE_INDEX_MAX):
        raise BadFieldError("page_index", f"1 to {PAGE_INDEX_MAX}")
    return int(text)


async def list_older_orders(
    session: AsyncSession, principal: Principal, domain_id: str, query: ListOlderOrders
) -> OrderPage:
    """As the newer list; the path must name the caller: a partner its id, a customer its own."""
    if domain_id != principal.id:
        raise NotTheCallersPathError
    return await list_orders(session, principal, query.wanted)
