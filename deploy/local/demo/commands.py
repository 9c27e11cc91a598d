"""All commands of the load."""

from local.demo.last_month import LastMonth
from local.demo.ownership import Ownership
from local.demo.showcase import Showcase
from local.demo.trade import Trade
from local.demo.vouchers import Vouchers


class Commands(Showcase, Ownership, Trade, Vouchers, LastMonth):
    """The plan's steps on one system."""
