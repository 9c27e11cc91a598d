"""The vendor's own SDK against the running system.

`.venv/bin/python deploy/local/try_sdk.py [demo.json]`
"""

import json
import sys
from pathlib import Path
from typing import Any

from huaweicloudsdkbss.v2 import (
    BssClient,
    ListCustomerOrdersRequest,
    ListSubCustomersRequest,
    QuerySubCustomerListReq,
    ShowCustomerAccountBalancesRequest,
)
from huaweicloudsdkcore.auth.credentials import GlobalCredentials

DEMO = Path(__file__).resolve().parents[2] / ".run" / "demo.json"
SHOWN = 3


def main() -> int:
    """Customers of the partner, then orders and balance as one of them sees them."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO
    if not path.exists():
        print(f"there is no {path}: run `make up` first", file=sys.stderr)
        return 1
    demo = json.loads(path.read_text())
    show_customers(_client(demo["gateway"], demo["partner"]))
    show_customer(_client(demo["gateway"], demo["customers"][0]))
    return 0


def show_customers(partner: BssClient) -> None:
    """A page of the partner's customers whose names contain 科技."""
    wanted = QuerySubCustomerListReq(customer="科技", limit=SHOWN)
    found = partner.list_sub_customers(ListSubCustomersRequest(body=wanted))
    print(f"{found.count} customers have 科技 in their names, for example")
    for row in found.customer_infos:
        print(f"  {row.customer_id}  {row.customer}  {row.label or '-'}")


def show_customer(customer: BssClient) -> None:
    """What a customer has ordered and what is left on its account."""
    found = customer.list_customer_orders(ListCustomerOrdersRequest(limit=SHOWN))
    print(f"one customer has {found.total_count} orders, the newest are")
    for order in found.order_infos:
        print(f"  {order.order_id}  status {order.status}  {order.amount_after_discount}")
    balances = customer.show_customer_account_balances(ShowCustomerAccountBalancesRequest())
    for account in balances.account_balances:
        print(f"its account of type {account.account_type} has {account.amount} {account.currency}")


def _client(gateway: str, who: dict[str, Any]) -> BssClient:
    credentials = GlobalCredentials(who["ak"], who["sk"], who["domain_id"])
    builder: Any = BssClient.new_builder()
    client: BssClient = builder.with_credentials(credentials).with_endpoints([gateway]).build()
    return client


if __name__ == "__main__":
    sys.exit(main())
