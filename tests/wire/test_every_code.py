"""Each documented code of orders, resources, coupons, funds and prices has a test, or a reason.

The codes are read from the pages. `every_code.toml` says of each what stands for it.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from gateway.not_yet import NOT_YET

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("every_code.toml")
CODES_PAGE = "error-codes.md"
ROWS_OF_D4 = (
    "order", "unsubscribe", "renew", "coupon issue, 400", "coupon issue, in 200 error_details",
    "funds", "price",
)  # fmt: skip
SECTIONS = {
    "H.7": "resources.md", "H.8": "resources.md", "H.9": "resources.md", "H.10": "resources.md",
    "H.11": "orders.md", "H.12": "orders.md", "H.16": "coupons.md", "H.17": "coupons.md",
    "H.20": "enterprise.md", "H.21": "partner-vouchers.md", "H.22": "coupons.md",
    "H.23": CODES_PAGE,
}  # fmt: skip
IN_PROSE = re.compile(r"(?<!\w)(?:(CBC|CHB)\.(\d{4,8})|\.(\d{8}))(?:/(\d{2}))?\b")
IN_LISTS = re.compile(r"\b(\d{8})(?: to (\d{8}))?")
ANSWERERS = ("services", "libs/chassis/chassis", "libs/wire/wire")
WORDS = "libs/wire/wire/codes.py"  # knows every code


def page(name: str) -> str:
    return (ROOT / "docs/domain" / name).read_text("utf-8")


def section(name: str) -> str:
    """The text of a page's section."""
    found = re.search(
        rf"^## {re.escape(name)} .*?(?=^<a id=|\Z)", page(SECTIONS[name]), re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{SECTIONS[name]} has no {name}"
    return found[0]


def listed(text: str) -> Iterator[str]:
    """Codes of a list, which has them without a prefix; `a to b` are all between them."""
    for first, last in IN_LISTS.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"CBC.{number}"


def told(text: str) -> Iterator[str]:
    """Codes of prose: `CBC.99003624/25` are two, `.99003609` leaves out what stood before."""
    for prefix, whole, short, other in IN_PROSE.findall(text):
        number = whole or short
        yield f"{prefix or 'CBC'}.{number}"
        if other:
            yield f"{prefix or 'CBC'}.{number[:-2]}{other}"


def row_of_d4(name: str) -> str:
    found = re.search(rf"^\| {name} \| (.*) \|$", page(CODES_PAGE), re.MULTILINE)
    assert found is not None, f"{CODES_PAGE} has no row {name}"
    return found[1]


def documented() -> dict[str, set[str]]:
    """The codes by the section that has them, D.4's rows as one."""
    codes = {name: set(told(section(name))) for name in SECTIONS if name != "H.23"}
    codes["H.23"] = set(listed(section("H.23")))
    codes["D.4"] = set(chain.from_iterable(listed(row_of_d4(name)) for name in ROWS_OF_D4))
    return codes


@cache
def table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(TABLE.read_text("utf-8"))


ROWS = [(name, code, row) for name, rows in table().items() for code, row in rows.items()]
NAMES = [f"{name} {code}" for name, code, _ in ROWS]


def test_the_pages_are_read_whole() -> None:
    """A number of each kind of spelling, and about how many there are."""
    codes = documented()
    assert {"CBC.99003106", "CBC.30000053", "CBC.30050006"} <= codes["D.4"]
    assert {"CBC.99003624", "CBC.99003625", "CBC.99003609"} <= codes["H.10"]
    assert {"CBC.99003624", "CBC.50010105", "CBC.30000052"} <= codes["H.23"]
    assert {"CBC.99003649", "CBC.99003650"} <= codes["H.9"]
    assert {"CBC.99003106", "CHB.0409", "CBC.0155"} <= codes["H.12"]
    assert len(codes["D.4"]) > 35


def test_each_code_has_a_row_where_it_is_told() -> None:
    """A section's codes have theirs in it; those of the lists have theirs there or in a section."""
    codes, rows = documented(), table()
    known = set(chain.from_iterable(rows.values()))
    missing = [
        f"{name} {code}"
        for name, wanted in codes.items()
        for code in sorted(wanted)
        if code not in (known if name in ("D.4", "H.23") else rows.get(name, {}))
    ]
    assert missing == [], "a test that provokes it, or why it cannot be, goes to every_code.toml"


def test_no_row_is_left_behind() -> None:
    codes = documented()
    told_in_sections = set(chain.from_iterable(codes[name] for name in SECTIONS if name != "H.23"))
    for name, code, _ in ROWS:
        assert code in codes.get(name, set()), f"{name} does not tell {code}"
        if name in ("D.4", "H.23"):
            assert code not in told_in_sections, f"{code} has its row in its section"


@pytest.mark.parametrize(("name", "code", "row"), ROWS, ids=NAMES)
def test_what_stands_for_a_code_is_there(name: str, code: str, row: dict[str, Any]) -> None:
    """Tests that name it; an operation to come; or a reason, while nothing answers it."""
    [kind] = {"tests", "rule", "operation", "cannot"} & set(row)
    if kind in ("tests", "rule"):
        assert row[kind], f"{name} {code} names no test"
        for test in row[kind]:
            check_provokes(test, code)
    elif kind == "operation":
        assert row[kind] in NOT_YET, f"{row[kind]} is answered: {code} needs a test"
    else:
        assert row[kind].endswith("."), "a sentence"
    if kind != "tests":
        assert not answered(code), f"{code} is answered by now: name a test that provokes it"
    if kind == "rule":
        assert row["why"].endswith("."), "why only a rule can, in a sentence"
    if "shown" in row:
        function_of(row["shown"])


def check_provokes(test: str, code: str) -> None:
    """The test enters by a door, and the code is among its texts or its parameters'."""
    function, module = function_of(test)
    arguments = {one.arg for one in function.args.args}
    assert arguments & {"door", "stage", "scene", "stores", "system"}, f"{test} has no door"
    body = function.body[1:] if ast.get_docstring(function) else function.body
    nodes = list(chain.from_iterable(ast.walk(one) for one in [*body, *function.decorator_list]))
    names = {one.id for one in nodes if isinstance(one, ast.Name)}
    texts = {one.value for one in nodes if isinstance(one, ast.Constant)}
    for name, value in constants(module):
        if name in names:
            texts |= {one.value for one in ast.walk(value) if isinstance(one, ast.Constant)}
    assert code in texts, f"{test} does not speak of {code}"


def constants(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What the module calls by a name, several at once included."""
    for one in module.body:
        if isinstance(one, ast.AnnAssign) and one.value is not None:
            yield ast.unparse(one.target), one.value
        elif isinstance(one, ast.Assign):
            for target in one.targets:
                if isinstance(target, ast.Tuple) and isinstance(one.value, ast.Tuple):
                    pairs = zip(target.elts, one.value.elts, strict=True)
                    yield from ((ast.unparse(name), value) for name, value in pairs)
                else:
                    yield ast.unparse(target), one.value


def function_of(test: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ast.Module]:
    path, _, name = test.partition("::")
    module = parsed(ROOT / "tests" / path)
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node, module
    raise AssertionError(f"there is no test {test}")


@cache
def parsed(path: Path) -> ast.Module:
    assert path.is_file(), f"there is no {path}"
    return ast.parse(path.read_text("utf-8"))


@cache
def codes_of_answerers() -> frozenset[str]:
    """The codes that the services' own source has, in whatever place."""
    paths = chain.from_iterable((ROOT / one).rglob("*.py") for one in ANSWERERS)
    found: set[str] = set()
    for path in paths:
        if path != ROOT / WORDS:
            found |= set(re.findall(r"\bC(?:BC|HB)\.\d{4,8}\b", path.read_text("utf-8")))
    return frozenset(found)


def answered(code: str) -> bool:
    return code in codes_of_answerers()


def test_a_wrong_row_is_found() -> None:
    """No such test, a test that does not name it, a file that is not there."""
    there = "order/test_renew_resources.py::test_an_end_more_than_ten_years_ahead_is_refused"
    check_provokes(there, "CBC.99003154")
    for test, code in [
        (there, "CBC.99003155"),
        ("order/test_renew_resources.py::test_nothing", "CBC.99003154"),
        ("order/test_nothing.py::test_nothing", "CBC.99003154"),
    ]:
        with pytest.raises(AssertionError):
            check_provokes(test, code)
    assert answered("CBC.99003154")
    assert not answered("CBC.99003649")
