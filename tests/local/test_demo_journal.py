"""A load that was broken off is continued from its journal."""

from datetime import UTC, datetime
from pathlib import Path

from local.demo.commands import Commands
from local.demo.gateway import CommandRefusedError, Gateway
from local.demo.journal import Journal
from local.demo.plan import Plan


def _written(path: Path) -> Journal:
    with Journal(path) as journal:
        journal.begin({"seed": 1})
        journal.note("partner provider", "p1")
        journal.note("funds of provider", None)
    return Journal(path)


def test_what_was_done_is_known_to_the_next_run(tmp_path: Path) -> None:
    journal = _written(tmp_path / "journal")
    assert journal.header == {"seed": 1}
    assert journal["partner provider"] == "p1"
    assert "funds of provider" in journal
    assert "key of provider" not in journal
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_kill_left_half_written_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    _written(path)
    with path.open("a") as file:
        file.write('["key of provi')
    with Journal(path) as journal:
        assert len(journal) == 2
        journal.note("key of provider", {"access": "a"})
    assert Journal(path)["key of provider"] == {"access": "a"}
    assert len(Journal(path)) == 3


def test_another_system_or_seed_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with _written(path) as journal:
        journal.begin({"seed": 2})
    again = Journal(path)
    assert (again.header, len(again)) == ({"seed": 2}, 0)


def test_a_refusal_names_command_code_message_and_request_id() -> None:
    body = {"error_code": "CBC.99000047", "error_msg": "No such account."}
    refusal = CommandRefusedError("transfer to customer 7", "POST /x", 400, body, "r-1")
    assert str(refusal) == (
        "transfer to customer 7: POST /x was answered 400 CBC.99000047: No such account."
        " (request id r-1)"
    )
    problem = {"code": "CHB.0409", "detail": "It is so already."}
    assert CommandRefusedError("s", "POST /api/x", 409, problem, "r-2").code == "CHB.0409"


def test_operators_passwords_follow_from_the_checkout(tmp_path: Path) -> None:
    plan = Plan(1, datetime(2026, 11, 23, tzinfo=UTC), (), (), {}, (), (), (), (), ())
    gateway, journal = Gateway("http://127.0.0.1:1", "t"), Journal(tmp_path / "none")
    password = Commands(plan, gateway, journal, "token one").password("provider")
    assert password == Commands(plan, gateway, journal, "token one").password("provider")
    assert password != Commands(plan, gateway, journal, "token two").password("provider")
    assert password != Commands(plan, gateway, journal, "token one").password("distributor")
    assert 8 <= len(password) <= 32
