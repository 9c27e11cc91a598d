"""Entity tags: what a thing's state is called, and who has it already (RFC 9110 8.8.3, 13.1).

A tag is the thing's version, so that If-Match can ask for it. Where an answer says more than its
thing's version covers, the tag has a digest of the answer behind the version.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from fastapi import Request, Response

from chassis.answers import JsonAnswer
from chassis.errors import BadFieldError
from wire.json import dumps

DIGEST_CHARACTERS = 16
VERSION_DIGITS_MAX = 18

# A list of tags, blanks and empty elements as RFC 9110 5.6.1 lets a caller send them.
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_is_list = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*").fullmatch
_tags_in = re.compile(_TAG).findall
_version_in = re.compile(r'"?(\d+)(?:-[0-9a-f]+)?"?', re.ASCII).fullmatch


def etag(version: int) -> str:
    """The tag of a thing whose answer its version covers whole."""
    return f'"{version}"'


def etag_of(version: int, content: Mapping[str, Any], *, but: Collection[str] = ()) -> str:
    """The tag of an answer with more in it; `but` names what may differ in two that are alike."""
    said = {name: value for name, value in content.items() if name not in but}
    return f'"{version}-{hashlib.sha256(dumps(said)).hexdigest()[:DIGEST_CHARACTERS]}"'


def tagged(request: Request, content: Any, tag: str) -> Response:
    """The answer to a read of a single thing: 304 to who has it already."""
    given = request.headers.get("if-none-match")
    if given is not None and _names(given, tag):
        return Response(status_code=304, headers={"ETag": tag})
    answer = JsonAnswer(content)
    answer.headers["ETag"] = tag
    return answer


def _names(if_none_match: str, tag: str) -> bool:
    """Whether the header names the tag, compared weakly; one that is malformed names none."""
    if if_none_match.strip() == "*":
        return True
    if _is_list(if_none_match) is None:
        return False
    return tag in (found.removeprefix("W/") for found in _tags_in(if_none_match))


def version_of(if_match: str | None) -> int | None:
    """The version that an If-Match header asks for; None when it asks for none.

    Raises:
        BadFieldError: not an entity tag of ours.

    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _version_in(if_match.strip())
    if found is None or len(found[1]) > VERSION_DIGITS_MAX:
        raise BadFieldError("If-Match", 'an entity tag like "3"')
    return int(found[1])
