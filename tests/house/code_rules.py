"""What code in a service may not do, because the chassis does it."""

import ast
import re
from collections.abc import Iterator

from tests.house.checkout import Checkout
from tests.house.import_rules import is_door
from wire.native_routes import rows_of_door
from wire.operations import everything

CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "wall_now"})
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
        called = ast.unparse(call.func)
        if called.rpartition(".")[2] in _SENDING and called != "outbox.publish":
            yield (
                f"{path}:{call.lineno} calls {called}; state events by"
                " outbox.publish(session, event), from chassis import outbox"
            )


_SENDING = frozenset({"publish", "publish_batch", "send_and_wait"})


def use_cases_write_the_audit(checkout: Checkout) -> Iterator[str]:
    """A second door to a use case would forget it."""
    for path, call in _calls_in_services(checkout):
        if path.endswith("/api.py") and ast.unparse(call.func) == "audit.record":
            yield f"{path}:{call.lineno} writes the audit; let the use case write it"


def doors_say_their_operation(checkout: Checkout) -> Iterator[str]:
    """A search for the vendor's name ends at its door."""
    names = {(one.http_method, one.path): name for name, one in everything().items()}
    for member in checkout.services:
        for path in checkout.package_files(member):
            for door in checkout.nodes(path):
                if not isinstance(door, ast.AsyncFunctionDef):
                    continue
                for name in filter(None, map(names.get, map(_route, door.decorator_list))):
                    if not re.match(rf"{name}\b", ast.get_docstring(door) or ""):
                        yield f"{path}:{door.lineno} begin the docstring of {door.name} with {name}"


def _route(decorator: ast.expr) -> tuple[str, str]:
    """`@router.get("/v2/…")` as method and path."""
    method, _, path = ast.unparse(decorator).removeprefix("router.").partition("('")
    return method.upper(), path.partition("'")[0]


def native_doors_name_their_answer(checkout: Checkout) -> Iterator[str]:
    """Else the description of our API says of the answer that it is an object, and no more."""
    for path in checkout.python("services"):
        if not path.endswith("/api.py"):
            continue
        prefix = re.search(r"Router\(prefix=\"([^\"]*)", checkout.text(path))
        for door in checkout.nodes(path):
            if not isinstance(door, ast.AsyncFunctionDef):
                continue
            for said in (one for one in door.decorator_list if isinstance(one, ast.Call)):
                method, below = _route(said)
                route = (prefix[1] if prefix else "") + below
                rows = rows_of_door(method, route) if route.startswith("/api/") else []
                is_named = any(one.arg == "response_model" for one in said.keywords)
                if any(row.answers != NO_CONTENT for row in rows) and not is_named:
                    yield f"{path}:{door.lineno} give {door.name} a response_model: a NativeAnswer"


NO_CONTENT = 204


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


def parts_are_found_by_their_type(checkout: Checkout) -> Iterator[str]:
    """What lies in `app.state` has no type: neither the checker nor a reader finds its class."""
    for path in checkout.python("libs", "services", "tests"):
        untyped = _OF_TESTS if path.startswith("tests/") else _UNTYPED
        for node in checkout.nodes(path):
            if path == _PROMISE or not isinstance(node, ast.Attribute | ast.Subscript):
                continue
            if found := untyped.search(ast.unparse(node)):
                yield (
                    f"{path}:{node.lineno} looks into {found[1]}; a door takes"
                    " `parts: CurrentParts`, what a service has of its own is a field of its Parts"
                )


_PROMISE = "libs/chassis/chassis/parts.py"  # the one place that says what an application holds
_OF_TESTS = re.compile(r"\b(app\.state)$")
_UNTYPED = re.compile(r"\b(app\.state|request\.state|request\.app|scope\['app'\])$")


def answers_name_what_they_show(checkout: Checkout) -> Iterator[str]:
    """Whoever shows the columns of a table publishes the next one on the day it is made."""
    for path in checkout.python("services"):
        if "/migrations/" in path or path in READ_MODEL_ROWS:
            continue
        for node in checkout.nodes(path):
            if found := _shows_all(node):
                yield (
                    f"{path}:{found.lineno} takes whatever there is of {ast.unparse(found)}; name"
                    " the fields: a wire.native.NativeAnswer, a contract, or a dict written out"
                )


# They write what an event says into a table, and answer nobody.
READ_MODEL_ROWS = frozenset(
    {
        "services/gateway/gateway/portfolio/models.py",
        "services/gateway/gateway/portfolio/project_events.py",
    }
)


def _shows_all(node: ast.AST) -> ast.expr | None:
    """The columns of a table gone through one by one, or all that an object or a row has."""
    if isinstance(node, ast.comprehension) and "__table__" in ast.unparse(node.iter):
        return node.iter
    if isinstance(node, ast.For) and "__table__" in ast.unparse(node.iter):
        return node.iter
    if isinstance(node, ast.Attribute) and node.attr in ("_asdict", "__dict__"):
        return node
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("vars", "inspect"):
        return node if ast.unparse(node) != "vars(self)" else None
    return None


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
        for node in checkout.nodes(path):
            if isinstance(node, ast.Attribute) and node.attr in EXCUSES and _of_pytest(node):
                yield f"{path}:{node.lineno} excuses a test; mend it, or remove it"
            if isinstance(node, ast.Name) and node.id == "NotImplementedError":
                yield f"{path}:{node.lineno} is unfinished; refuse with a documented code"


def shared_refusals_are_the_chassiss(checkout: Checkout) -> Iterator[str]:
    """One refusal that several services say has one class, or each of them says it otherwise."""
    for member in checkout.services:
        for path in checkout.package_files(member):
            for node in checkout.nodes(path):
                if isinstance(node, ast.Constant) and node.value in SHARED_REFUSALS:
                    yield f"{path}:{node.lineno} {node.value}: use {SHARED_REFUSALS[node.value]}"


SHARED_REFUSALS = {
    "CHB.0002": "chassis.authority.STANDALONE, once for all commands of a door",
    "CBC.99000037": "chassis.tenancy.acted_for, which waits for the reseller's copy",
}


def audit_actions_are_subject_and_verb(checkout: Checkout) -> Iterator[str]:
    """Whoever reads the log finds what was done to a thing by the thing's name."""
    for path in checkout.python("libs", "services"):
        for call in checkout.calls(path):
            if ast.unparse(call.func) != "audit.record" or len(call.args) < AUDIT_ACTION:
                continue
            action = ast.unparse(call.args[AUDIT_ACTION - 1])
            if action[:1] in "'\"" and not IS_ACTION.fullmatch(action):
                yield f"{path}:{call.lineno} records {action}; write 'subject.verb': 'order.pay'"


AUDIT_ACTION = 3  # session, principal, action
IS_ACTION = re.compile(r"'[a-z_]+\.[a-z_]+'")


def _of_pytest(node: ast.Attribute) -> bool:
    return ast.unparse(node.value) in ("pytest", "pytest.mark")


def _calls_in_services(checkout: Checkout) -> Iterator[tuple[str, ast.Call]]:
    for member in checkout.services:
        for path in checkout.package_files(member):
            for call in checkout.calls(path):
                yield path, call
