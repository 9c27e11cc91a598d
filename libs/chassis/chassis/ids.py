"""The ids of what services make."""

from uuid_utils import uuid7


def new_id() -> str:
    """32 hexadecimal digits, in order of time."""
    return uuid7().hex
