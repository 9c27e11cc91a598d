"""What code in a service may not do, because the chassis does it."""

import ast
import re
from collections.abc import Iterator

from tests.house.checkout import Checkout
from tests.house.import_rules import is_door

CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "utc_now"})
UNSAID = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
EXCUSES = frozenset({"skip", "skipif", "xfail", "importorskip"})


def nobody_commits_by_hand(checkout: Checkout) -> Iterator[str]:
    """One request or batch is one transaction, opened and committed at the door."""
    for path, call in _calls_in_services(checkout):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("commit", "rollback"):
            yield (
                f"{path}:{call.lineno} calls .{call.func.attr}(); HttpSession and the chassis's"
                " batches commit: flush for ids, raise to roll back"
            )


def events_leave_by_the_outbox(checkout: Checkout) -> Iterator[str]:
    """What is sent beside the transaction is told without having happened, or not told at all."""
    for path, call in _calls_in_services(checkout):
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in _SENDING:
            continue
        if ast.unparse(function.value) not in ("outbox", "chassis.outbox"):
            yield (
                f"{path}:{call.lineno} calls {ast.unparse(function)}; state events by"
                " chassis.outbox.publish(session, event)"
            )


_SENDING = frozenset({"publish", "publish_batch", "send_and_wait"})


def use_cases_take_the_time_as_an_argument(checkout: Checkout) -> Iterator[str]:
    """So that a test can stand on the last second of a month."""
    for path, call in _calls_in_services(checkout):
        called = ast.unparse(call.func).removeprefix("datetime.datetime").removeprefix("clock.")
        called = f"datetime{called}" if called.startswith(".") else called
        if called in CLOCKS and not is_door(path):
            yield (
                f"{path}:{call.lineno} asks the clock; take `now: datetime` as an argument,"
                " doors get it by chassis.clock.Now, schedules are handed it"
            )


def subscribers_acknowledge_after_their_work(checkout: Checkout) -> Iterator[str]:
    """FastStream's default acknowledges first and loses what fails."""
    for path in checkout.python("libs", "services"):
        for call in checkout.calls(path):
            if not isinstance(call.func, ast.Attribute) or call.func.attr != "subscriber":
                continue
            policies = [k.value for k in call.keywords if k.arg == "ack_policy"]
            if [ast.unparse(policy) for policy in policies] != ["AckPolicy.MANUAL"]:
                yield (
                    f"{path}:{call.lineno} subscribes without ack_policy=AckPolicy.MANUAL;"
                    " the position moves in the transaction of the effects, never before"
                )


def metrics_are_moved_and_tested(checkout: Checkout) -> Iterator[str]:
    """A gauge that nobody sets shows a quiet zero for ever: so did the parked events once."""
    if METRICS not in checkout.paths:
        return
    code, tests = checkout.python("libs", "services"), checkout.python("tests/chassis")
    moving = "|".join(_MOVING)
    for node in checkout.tree(METRICS).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name, series = node.targets[0].id, ast.unparse(node.value).partition("'")[2].split("'")[0]
        moved = re.compile(rf"\b{name}(\.labels\([^\n]*\))?\.({moving})\(")
        if not any(moved.search(checkout.text(path)) for path in code):
            yield f"{METRICS}:{node.lineno} nothing moves {name}; call one of {moving}, or drop it"
        looked = re.compile(rf"\b{name}\b(?!\.({moving})\()|\b{series}")
        if not any(looked.search(_without_imports(checkout, path)) for path in tests):
            yield f"{METRICS}:{node.lineno} no test in tests/chassis looks at {name}; show it move"


METRICS = "libs/chassis/chassis/metrics.py"
_MOVING = ("set", "set_function", "inc", "observe")


def _without_imports(checkout: Checkout, path: str) -> str:
    kept = [n for n in checkout.tree(path).body if not isinstance(n, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, kept))


def modules_have_names_that_say_something(checkout: Checkout) -> Iterator[str]:
    """Where everything may go, everything goes."""
    banned = {"utils", "util", "helpers", "helper", "service", "services", "common", "misc"}
    for path in checkout.python("libs", "services", "tests", "deploy", "benchmarks"):
        member_folder = 2 if path.startswith(("libs/", "services/")) else 1
        for part in path.removesuffix(".py").split("/")[member_folder:]:
            if part in banned and not path.startswith("deploy/local/services"):
                yield (
                    f"{path}: {part} says nothing; name the file after its use case (verb_noun)"
                    " or its subject"
                )


def nothing_is_left_for_later(checkout: Checkout) -> Iterator[str]:
    """What is not there answers a documented error; what does not work is no test."""
    for path in checkout.python("libs", "services", "tests", "deploy", "benchmarks"):
        for number, line in enumerate(checkout.text(path).splitlines(), 1):
            if UNSAID.search(line):
                yield f"{path}:{number} promises work; do it, or refuse with a documented code"
        for node in ast.walk(checkout.tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in EXCUSES and _of_pytest(node):
                yield f"{path}:{node.lineno} excuses a test; mend it, or remove it"
            if isinstance(node, ast.Name) and node.id == "NotImplementedError":
                yield f"{path}:{node.lineno} is unfinished; refuse with a documented code"


def _of_pytest(node: ast.Attribute) -> bool:
    return ast.unparse(node.value) in ("pytest", "pytest.mark")


def _calls_in_services(checkout: Checkout) -> Iterator[tuple[str, ast.Call]]:
    for member in checkout.services:
        for path in checkout.package_files(member):
            for call in checkout.calls(path):
                yield path, call
