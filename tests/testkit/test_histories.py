"""The checker of histories, by histories that are wrong: each names its breach, and no other."""

from dataclasses import dataclass

import pytest

from testkit.histories import Call, History, check_history

EMPTY, BUSY = "EMPTY", "BUSY"


@dataclass(frozen=True)
class Take:
    amount: int


def account(balance: int, wanted: Take) -> tuple[int, str | None]:
    """An account that is never overdrawn."""
    if wanted.amount > balance:
        return balance, EMPTY
    return balance - wanted.amount, None


def took(
    name: str, amount: int, asked: float, answered: float, code: str | None = None
) -> Call[Take]:
    return Call(name, Take(amount), asked, answered, code)


def breaches(calls: list[Call[Take]], order: str, balance: int = 10) -> list[str]:
    return check_history(balance, calls, order.split(), account).breaches


def test_what_could_have_happened_one_after_another_is_right() -> None:
    """Two at once, of which the one that came second found too little; and what came back."""
    calls = [
        took("a", 7, 0, 4), took("b", 7, 1, 3, EMPTY), took("c", 3, 2, 5), took("d", -5, 6, 7),
        took("e", 5, 6.5, 9), took("f", 1, 8, 9.5, EMPTY),
    ]  # fmt: skip
    found = check_history(10, calls, ["a", "c", "d", "e"], account)
    assert found.breaches == []
    assert found.final == 0


WRONG = {
    "double spend": (
        [took("a", 7, 0, 2), took("b", 7, 1, 3)], "a b",
        ["b was done where it is to be refused by EMPTY"],
    ),
    "refused with enough": (
        [took("a", 3, 0, 1), took("b", 7, 2, 3, EMPTY)], "a",
        ["b was refused by EMPTY at an instant when it was not"],
    ),
    "refused before the other took it": (
        [took("b", 7, 0, 1, EMPTY), took("a", 7, 2, 3)], "a",
        ["b was refused by EMPTY at an instant when it was not"],
    ),
    "refused behind what came back": (
        [took("a", 10, 0, 1), took("c", -10, 2, 3), took("b", 7, 4, 5, EMPTY)], "a c",
        ["b was refused by EMPTY at an instant when it was not"],
    ),
    "another code": (
        [took("a", 7, 0, 4), took("b", 7, 1, 3, "CLOSED")], "a",
        ["b was refused by CLOSED at an instant when it was not"],
    ),
    "lost": ([took("a", 7, 0, 4), took("b", 1, 1, 3)], "a", ["b was done and is lost"]),
    "refused and done": (
        [took("a", 7, 0, 4), took("b", 4, 1, 3, EMPTY)],
        "b",
        ["a was done and is lost", "b was not done and took effect",
         "b was refused by EMPTY at an instant when it was not"],
    ),
    "twice": ([took("a", 7, 0, 4)], "a a", ["a stands twice in the order"]),
    "against time": (
        [took("a", 3, 0, 1), took("b", 3, 2, 3)], "b a",
        ["a took effect behind b, which was asked later"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_history_is_told_by_its_breach(wrong: str) -> None:
    calls, order, told = WRONG[wrong]
    assert breaches(calls, order) == told


@pytest.mark.parametrize(("asked", "right"), [(3.9, True), (4.1, False)])
def test_a_refusal_because_of_another_is_right_while_that_one_is_under_way(
    asked: float, right: bool
) -> None:
    """Break: take any other call for an excuse."""
    calls = [took("a", 1, 2, 4), took("b", 1, asked, 5, BUSY)]
    excuses = {BUSY: lambda _, other: other.name == "a"}
    found = check_history(10, calls, ["a"], account, excuses).breaches
    assert (found == []) == right


async def test_a_history_notes_when_each_was_asked_and_what_it_heard() -> None:
    history: History[Take] = History()

    async def work() -> str:
        return EMPTY

    assert await history.ask("a", Take(1), work(), lambda told: told or None) == EMPTY
    [call] = history.calls
    assert (call.name, call.code, call.request) == ("a", EMPTY, Take(1))
    assert call.asked <= call.answered
