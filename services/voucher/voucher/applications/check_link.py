"""Whether a link is one of a list that the vendor's price calculator shares.

The link is never followed: it is read by people who decide, so it must lead where it says, and hold
nothing that lets anybody in.
"""

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

from chassis.errors import BadFieldError

FIELD = "resource_list_url"
CHARACTERS_MAX = 2048
# The vendor's hosts on which its price calculator is, on both sites.
CALCULATOR_HOSTS = frozenset(
    {
        "www.huaweicloud.com",
        "huaweicloud.com",
        "calculator.huaweicloud.com",
        "portal.huaweicloud.com",
        "www.huaweicloud.com.cn",
    }
)
# What the shared list's id is called, in the query or behind the fragment's own question mark.
LIST_NAMES = frozenset({"sharelistid", "sharelist", "shareid", "share", "listid", "list", "id"})
_is_list_id = re.compile(r"[A-Za-z0-9_-]{4,64}", re.ASCII).fullmatch
_is_plain = re.compile(r"[\x21-\x7e]+").fullmatch
_is_credential = re.compile(
    r"(x[-_])?(auth[-_]?)?(token|ticket|secret|sk|ak|password|passwd|pwd|credential|session|sign"
    r"|signature|access[-_]?key|secret[-_]?key|security[-_]?token|api[-_]?key|authorization)"
    r"([-_]?id)?|x-amz-.*|awsaccesskeyid|x-obs-.*",
    re.IGNORECASE,
).fullmatch


def check_link(url: str) -> None:
    """Look at the form alone.

    Raises:
        BadFieldError: not such a link, or one with credentials in it.

    """
    if len(url) > CHARACTERS_MAX or not _is_plain(url) or "\\" in url:
        raise BadFieldError(FIELD, "not a link")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadFieldError(FIELD, "not a link") from None
    if parts.scheme != "https":
        raise BadFieldError(FIELD, "a link that begins with https://")
    named = _parameters(parts)
    if "@" in parts.netloc or any(_is_credential(name) for name, _ in named):
        raise BadFieldError(FIELD, "credentials in a link")
    if parts.hostname not in CALCULATOR_HOSTS or port not in (None, 443):
        raise BadFieldError(FIELD, "not a link of the vendor's price calculator")
    if not any(_plain(name) in LIST_NAMES and _is_list_id(value) for name, value in named):
        raise BadFieldError(FIELD, "no id of a shared list")


def _parameters(parts: SplitResult) -> list[tuple[str, str]]:
    """Of the query, and of the fragment, where the calculator keeps its page: `#/list?id=…`."""
    texts = (parts.query, parts.fragment.partition("?")[2], parts.fragment.rpartition("/")[2])
    return [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
