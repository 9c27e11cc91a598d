"""What the portfolio shows: customers as everywhere, and the sums over what belongs to them."""

from datetime import datetime

from contracts.customer import Customer
from wire.native import Money, NativeAnswer


class CustomerListed(Customer, NativeAnswer):
    """A customer in a list, with what a list is sorted and filtered by; amounts in `currency`."""

    debt_amount: Money
    consumption_this_month: Money
    next_expiry: datetime | None
    changed_at: datetime
    stale_since: datetime | None


class CustomersAnswer(NativeAnswer):
    """A page of customers; `next` goes into `after` for the next page, null on the last one."""

    customers: list[CustomerListed]
    next: str | None
    as_of: datetime | None
    stale_since: datetime | None
    count: int | None = None
    count_is_exact: bool | None = None


class AccountShown(NativeAnswer):
    """An account of the customer; what may be spent is `balance - held`."""

    account_type: int
    currency: str
    balance: Money
    held: Money
    credit_amount: Money | None


class OrdersShown(NativeAnswer):
    """The customer's orders of one status together."""

    status: int
    orders: int
    currency: str
    amount: Money


class VouchersShown(NativeAnswer):
    """The customer's usable coupons of one type together."""

    coupon_type: int  # 1 cash, 2 discount, 3 product, 4 flexi, 5 stored value card
    usable: int
    currency: str
    balance: Money
    reserved_amount: Money


class ExpiryShown(NativeAnswer):
    """A resource that ends next."""

    resource_id: str
    resource_name: str
    service_type_code: str
    expire_at: datetime


class CustomerPage(NativeAnswer):
    """A customer on one page; `version` is the one that `If-Match` takes."""

    version: int
    profile: Customer
    balances: list[AccountShown]
    currency: str
    debt_amount: Money
    orders: list[OrdersShown]
    vouchers: list[VouchersShown]
    consumption_this_month: Money
    bill_cycle: str
    next_expiries: list[ExpiryShown]
    changed_at: datetime
    as_of: datetime | None
    stale_since: datetime | None
