"""Contracts only grow: the baseline holds what was released, and nothing of it may break."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.compatibility import breaches, shapes
from contracts.generate import BASELINE, accept_baseline

CHECKOUT = Path(__file__).parents[2]
Shapes = dict[str, dict[str, Any]]


def _baseline() -> Shapes:
    known: Shapes = json.loads((CHECKOUT / BASELINE).read_text("utf-8"))
    return known


def test_the_contracts_break_nothing_of_the_baseline() -> None:
    """At a release accept the growth by `python -m contracts.generate --baseline`."""
    assert breaches(_baseline(), shapes()) == []


def test_the_baseline_holds_contracts() -> None:
    """An empty one would forbid nothing."""
    baseline = _baseline()
    assert baseline["order.paid"]["fields"]["coupons[].amount"] == "text"
    assert baseline["order.paid"]["fields"]["paid_at"] == "instant or null?"


def _remove_type(now: Shapes) -> None:
    del now["order.paid"]


def _remove_field(now: Shapes) -> None:
    del now["order.paid"]["fields"]["attempt_id"]


def _remove_inner_field(now: Shapes) -> None:
    del now["order.paid"]["fields"]["coupons[].amount"]


def _retype(now: Shapes) -> None:
    now["order.paid"]["fields"]["attempt_id"] = "integer"


def _let_it_be_absent(now: Shapes) -> None:
    now["order.paid"]["fields"]["attempt_id"] += "?"


def _require_it(now: Shapes) -> None:
    now["order.paid"]["fields"]["paid_at"] = "instant or null"


def _add_required(now: Shapes) -> None:
    now["order.paid"]["fields"]["mood"] = "text"
    now["order.paid"]["version"] = "1.1"


def _add_in_silence(now: Shapes) -> None:
    now["order.paid"]["fields"]["mood"] = "text?"


def _move_stream(now: Shapes) -> None:
    now["order.paid"]["stream"] = "billing"


def _move_key(now: Shapes) -> None:
    now["order.paid"]["key"] = "order_id"


def _go_back(now: Shapes) -> None:
    now["order.paid"]["version"] = "0.9"


def _change_major(now: Shapes) -> None:
    now["order.paid"]["version"] = "2.0"


BREACHES: list[tuple[Callable[[Shapes], None], str]] = [
    (_remove_type, "order.paid was removed"),
    (_remove_field, "attempt_id was removed"),
    (_remove_inner_field, "coupons[].amount was removed"),
    (_retype, "attempt_id was text and is integer"),
    (_let_it_be_absent, "attempt_id was text and is text?"),
    (_require_it, "paid_at was instant or null?"),
    (_add_required, "mood is new and required"),
    (_add_in_silence, "raise VERSION above 1.0"),
    (_move_stream, "stream moved from order to billing"),
    (_move_key, "key moved from customer_id to order_id"),
    (_go_back, "major version 1 became 0"),
    (_change_major, "a new meaning is a new event"),
]


@pytest.mark.parametrize(("plant", "expected"), BREACHES)
def test_each_breach_of_the_baseline_is_found(
    plant: Callable[[Shapes], None], expected: str
) -> None:
    """One at a time, and nothing else is reported."""
    before = {"order.paid": {**shapes()["order.paid"], "version": "1.0"}}
    after = copy.deepcopy(before)
    plant(after)
    [breach] = breaches(before, after)
    assert expected in breach


def test_a_version_that_goes_back_is_found() -> None:
    """A reader that asks for 1.2 must not get less."""
    before = {"order.paid": {**shapes()["order.paid"], "version": "1.2"}}
    after = {"order.paid": {**shapes()["order.paid"], "version": "1.1"}}
    assert breaches(before, after) == ["order.paid: version went back from 1.2 to 1.1"]


def test_growth_is_allowed() -> None:
    """New types, and new fields with a default under a higher minor version."""
    before = {"order.paid": {**shapes()["order.paid"], "version": "1.0"}}
    after = copy.deepcopy(before)
    after["order.paid"]["version"] = "1.1"
    after["order.paid"]["fields"] |= {"gifts": "list of Gift?", "gifts[].gift_id": "text"}
    after["order.dreamt"] = shapes()["order.paid"]
    assert breaches(before, after) == []


def test_a_broken_baseline_is_not_overwritten(tmp_path: Path) -> None:
    """Accepting a release is no way around the rule."""
    baseline = tmp_path / BASELINE
    baseline.parent.mkdir(parents=True)
    released = shapes()
    released["order.paid"]["fields"]["mood"] = "text"
    baseline.write_text(json.dumps(released))
    assert accept_baseline(tmp_path) == ["order.paid: mood was removed; keep it, with a default"]
    assert json.loads(baseline.read_text()) == released
