"""All commands of the load."""

from local.demo.showcase import Showcase
from local.demo.trade import Trade


class Commands(Showcase, Trade):
    """The plan's steps on one system."""
