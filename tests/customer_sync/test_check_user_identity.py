"""check_user_identity and the codes sent before.

See docs/domain/verification.md B.9, docs/domain/customers.md F16.
"""

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from chassis import logs
from chassis.database import Database
from customer_sync.codes.code_senders import CodeMessage, LogSender
from customer_sync.codes.models import VerificationCode
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    ABROAD,
    CHECK,
    CREATE,
    OTHER_SELLER,
    SEND,
    CustomerDoor,
    a_customer,
    hear,
    partner_joined,
)

MOBILE = "13900001111"


async def _check(door: CustomerDoor, kind: str, value: str) -> dict[str, Any]:
    answer = await door.post(CHECK, {"search_type": kind, "search_value": value}, OTHER_SELLER)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_login_name_of_any_partner_is_used_in_any_case(door: CustomerDoor) -> None:
    assert (await _check(door, "name", "Acme-shop"))["check_result"] == "available"
    await door.create(domain_name="Acme-shop")
    told = await _check(door, "name", "acme-SHOP")
    assert told["check_result"] == "used_by_user"
    assert "mobile_remain_available_num" not in told


async def test_a_partners_login_name_is_used_too(door: CustomerDoor, database: Database) -> None:
    """Whoever signs in does so in one name space; told twice it is the same."""
    joined = partner_joined("sp7", "solution_provider", account_name="Wolke-7")
    await hear(database, joined, joined.model_copy(update={"restated": True}))
    assert (await _check(door, "name", "wolke-7"))["check_result"] == "used_by_user"
    answer = await door.post(CREATE, a_customer(domain_name="wolke-7"), OTHER_SELLER)
    assert code_of(answer) == (400, "CBC.99000038")


async def test_a_phone_tells_how_many_more_accounts_it_may_have(door: CustomerDoor) -> None:
    for remaining, result in ((2, "available"), (1, "available"), (0, "used_by_user")):
        told = await _check(door, "mobile", f"0086-{MOBILE}")
        assert (told["mobile_remain_available_num"], told["check_result"]) == (remaining, result)
        if remaining:
            await door.create(mobile_phone=MOBILE, verification_code=await door.code(MOBILE))


async def test_a_mailbox_nobody_has_is_available(door: CustomerDoor) -> None:
    assert (await _check(door, "email", "boss@acme.cn"))["check_result"] == "available"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("phone", "x", "CBC.0101"),
        ("mobile", MOBILE, "CBC.0100"),
        ("mobile", f"0085-{MOBILE}", "CBC.0100"),
        ("mobile", "0086-1390000111", "CBC.0100"),
        ("email", "boss.acme.cn", "CBC.0100"),
        ("name", "_acme", "CBC.0100"),
        ("name", "acme", "CBC.0100"),
        ("name", "op_acme", "CBC.0100"),
        ("name", "a" * 65, "CBC.0100"),
        ("name", "", "CBC.0100"),
    ],
)
async def test_what_does_not_look_like_it_is_refused(
    door: CustomerDoor, kind: str, value: str, expected: str
) -> None:
    answer = await door.post(CHECK, {"search_type": kind, "search_value": value})
    assert code_of(answer) == (400, expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"receiver_type": 2}, "CBC.0101"),
        ({"receiver_type": 3}, "CBC.0100"),
        ({"receiver_type": None}, "CBC.0100"),
        ({"mobile_phone": ""}, "CBC.0100"),
        ({"mobile_phone": "0086-13900001111"}, "CBC.0100"),
        ({"timeout": 0}, "CBC.0100"),
        ({"scene": 20}, "CBC.0101"),
        ({"lang": "fr-fr"}, "CBC.0101"),
        ({"scene": 18}, "CBC.0100"),
        ({"scene": 18, "customer_id": "nobody"}, "CBC.99000035"),
    ],
)
async def test_a_code_is_not_sent_against_the_rules(
    door: CustomerDoor, fields: dict[str, Any], expected: str
) -> None:
    body = {"receiver_type": 1, "mobile_phone": MOBILE} | fields
    assert code_of(await door.post(SEND, body))[1] == expected


async def test_a_bank_card_code_needs_ones_own_customer_and_opens_no_registration(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    body = {"receiver_type": 1, "mobile_phone": MOBILE, "scene": 18, "customer_id": customer}
    assert (await door.post(SEND, body)).status_code == 204
    assert (await door.post(SEND, body, OTHER_SELLER)).json()["error_code"] == "CBC.99000035"
    assert (await door.post(SEND, body, ADMINISTRATOR)).status_code == 403


async def test_abroad_codes_go_to_mailboxes(door: CustomerDoor) -> None:
    assert code_of(await door.post(SEND, {"receiver_type": 2}, ABROAD)) == (400, "CBC.0100")
    body = {"receiver_type": 2, "email": "no-mailbox"}
    assert code_of(await door.post(SEND, body, ABROAD)) == (400, "CBC.0100")


async def test_the_file_of_codes_is_its_owners_only_and_the_database_has_no_code(
    door: CustomerDoor, database: Database, tmp_path: Path
) -> None:
    code = await door.code(MOBILE, lang="EN-US")
    file = tmp_path / "codes"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["language"] == "en-us"
    async with database.transaction() as session:
        kept = await session.get_one(VerificationCode, ("sp1", 29, MOBILE))
    assert kept.code_mac != code
    assert len(kept.code_mac) == 64


async def test_the_log_has_a_masked_phone_and_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    message = CodeMessage(MOBILE, "918273", 29, "zh-cn", "2026-11-23T03:10:00Z")
    assert message.masked_receiver == "139****11"
    written = StringIO()
    monkeypatch.setattr("sys.stdout", written)
    logs.configure("customer_sync", "INFO")
    await LogSender().send(message)
    told = json.loads(written.getvalue())
    told.pop("time")  # whose microseconds may happen to be the code's digits
    assert "139****11" in str(told)
    assert "918273" not in str(told)
    assert MOBILE not in str(told)
