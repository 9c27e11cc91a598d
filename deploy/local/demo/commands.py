"""All commands of the load."""

from local.demo.enrolment import Enrolment
from local.demo.trade import Trade


class Commands(Enrolment, Trade):
    """The plan's steps on one system."""
