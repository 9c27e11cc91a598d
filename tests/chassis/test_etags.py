"""Who has a thing's state already is answered 304; who changes it says which state it knew."""

from decimal import Decimal

import pytest
from fastapi import Request

from chassis.errors import BadFieldError
from chassis.etags import etag, etag_of, tagged, version_of


def asking(*if_none_match: str) -> Request:
    headers = [(b"if-none-match", value.encode()) for value in if_none_match]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    "header",
    [
        '"7"', 'W/"7"', "*", " * ", '"6", "7"', '"6","7"', '"7" , "8"', 'W/"1",W/"7"', ',"7",',
        '"a,b", "7"',
    ],
)  # fmt: skip
def test_who_names_the_state_there_is_has_it_already(header: str) -> None:
    answer = tagged(asking(header), {"a": 1}, etag(7))
    assert (answer.status_code, answer.body) == (304, b"")
    assert answer.headers["etag"] == '"7"'
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "header", ['"6"', "7", '"7', 'w/"7"', '"7" "8"', '"a, "7"', "", "W/7", '"*"']
)
def test_whoever_names_another_state_or_none_gets_the_answer(header: str) -> None:
    answer = tagged(asking(header), {"a": Decimal("1.20")}, etag(7))
    assert (answer.status_code, answer.body) == (200, b'{"a":1.20}')
    assert answer.headers["etag"] == '"7"'


def test_who_names_nothing_gets_the_answer() -> None:
    assert tagged(asking(), {}, etag(1)).status_code == 200


def test_a_tag_of_more_than_a_version_differs_with_what_is_said_and_not_with_its_age() -> None:
    one = etag_of(3, {"balance": Decimal("1.00"), "as_of": 1}, but=("as_of",))
    assert etag_of(3, {"balance": Decimal("1.00"), "as_of": 2}, but=("as_of",)) == one
    assert etag_of(3, {"balance": Decimal("1.01"), "as_of": 1}, but=("as_of",)) != one
    assert etag_of(4, {"balance": Decimal("1.00"), "as_of": 1}, but=("as_of",)) != one
    assert version_of(one) == 3


@pytest.mark.parametrize(
    ("header", "version"), [(None, None), ("*", None), ('"3"', 3), ("3", 3), (' "12-0af9" ', 12)]
)
def test_a_change_names_the_version_it_knew(header: str | None, version: int | None) -> None:
    assert version_of(header) == version


@pytest.mark.parametrize(
    "header", ["", '"x"', '"3", "4"', 'W/"3"', '"٣"', '"1' + "0" * 18 + '"', '"3-"']
)
def test_a_tag_that_is_not_ours_is_named(header: str) -> None:
    with pytest.raises(BadFieldError, match="If-Match"):
        version_of(header)
