"""What the applications' bodies say, and which of it is refused (docs/domain/customers.md B.2)."""

import re
from typing import ClassVar, Literal

from chassis.errors import BadFieldError, RefusedError, UnknownValueError
from customer_sync.customers.models import ENTERPRISE, PERSONAL
from wire.operations import INTERNATIONAL
from wire.types import WireRequest

FORMATS = ("jpg", "jpeg", "bmp", "png", "gif", "pdf")
FILE_LENGTH_MAX = 256  # characters
BY_DOCUMENT, BY_BANK_CARD = 0, 4
DOCUMENTS = frozenset({3, 5, 6, 9, 10})  # passport, permits and residence permits
_no_name = re.compile(r"[\d\W_]+").fullmatch


class WrongFileError(RefusedError):
    """Not a picture or PDF below the bucket's download folder."""

    code = "CBC.99000100"


class NoBankError(RefusedError):
    """No bank can be asked whose card it is."""

    code = "CBC.99005030"


class _Personal(WireRequest):
    customer_id: str
    identify_type: Literal[0, 4]
    verified_type: int | None = None
    verified_file_url: list[str]
    name: str

    kind: ClassVar[int] = PERSONAL
    changes: ClassVar[bool] = False

    def check(self) -> None:
        """Refuse what the table cannot see."""
        if self.identify_type == BY_BANK_CARD:
            raise NoBankError
        if self.verified_type is None:
            raise BadFieldError("verified_type", "needed for a document")
        if self.verified_type not in DOCUMENTS:
            raise UnknownValueError("verified_type")
        check_files(self.verified_file_url)


class PersonalApplication(_Personal, operation="create_personal_realname_auth"):
    """As the China site's SDK sends it."""


class PersonalApplicationAbroad(
    _Personal, operation="create_personal_realname_auth", site=INTERNATIONAL
):
    """As the international site's SDK sends it: without a bank card."""


class _Enterprise(WireRequest):
    customer_id: str
    verified_file_url: list[str]
    corp_name: str

    kind: ClassVar[int] = ENTERPRISE

    @property
    def name(self) -> str:
        """The enterprise's."""
        return self.corp_name

    def check(self) -> None:
        """Refuse what the table cannot see."""
        if _no_name(self.corp_name):
            raise BadFieldError("corp_name", "not digits, signs and blanks alone")
        check_files(self.verified_file_url)


class EnterpriseApplication(_Enterprise, operation="create_enterprise_realname_authentication"):
    """The first one of an enterprise."""

    changes: ClassVar[bool] = False


class EnterpriseChange(_Enterprise, operation="change_enterprise_realname_authentication"):
    """A verified person becomes an enterprise."""

    changes: ClassVar[bool] = True


Application = _Personal | EnterpriseApplication | EnterpriseChange


def check_files(paths: list[str]) -> None:
    """Relative paths below the download folder, of a format that is accepted.

    Raises:
        BadFieldError: too long, or not below that folder.
        WrongFileError: another format.

    """
    for path in paths:
        if len(path) > FILE_LENGTH_MAX or ":" in path or {"", ".", ".."} & set(path.split("/")):
            raise BadFieldError("verified_file_url", "a path below the download folder")
        if path.rpartition(".")[2].lower() not in FORMATS:
            raise WrongFileError(path)
