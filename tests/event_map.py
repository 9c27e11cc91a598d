"""Which service states each event and which act on it, as the code says by its syntax trees.

python -m tests.event_map            print the table
python -m tests.event_map --write    put it into ARCHITECTURE.md
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from contracts import STREAMS, contracts
from contracts.event import Event
from tests.house.checkout import Checkout

ROOT = Path(__file__).parents[1]
PAGE = "ARCHITECTURE.md"
BEGIN, END = (
    "<!-- event map: python -m tests.event_map --write -->",
    "<!-- end of the event map -->",
)
OWNER_OF_STREAM = {stream: stream for stream in STREAMS} | {"customer": "customer-sync"}

_REGISTERING = frozenset({"on", "on_each", "on_batch"})
_ASKING = frozenset({"isinstance", "issubclass", "TypeVar"})

Types = dict[str, type[Event]]
Services = dict[str, set[str]]  # event type → services


def every_family() -> Types:
    """Every base of contracts by its name, such as `CustomerEvent`."""
    bases = {
        base for c in every_contract().values() for base in c.__mro__ if base not in (c, Event)
    }
    return {base.__name__: base for base in bases if issubclass(base, Event)}


def every_contract() -> Types:
    """Every contract by its class's name, stream by stream."""
    return {c.__name__: c for stream in STREAMS for c in contracts(stream).values()}


FAMILIES = every_family()


class EventMap:
    """Who states and who acts, read from a checkout."""

    def __init__(self, checkout: Checkout, known: Types | None = None):
        self.known = every_contract() if known is None else known
        self.stated_by: Services = {c.TYPE: set() for c in self.known.values()}
        self.acted_on_by: Services = {c.TYPE: set() for c in self.known.values()}
        self.kept_by: dict[type[Event], set[str]] = {}  # family → services that copy by it
        for service in checkout.services:
            for path in checkout.package_files(service):
                reading = _Reading(checkout.tree(path), self.known)
                for contract in reading.acts_on():
                    self.acted_on_by[contract.TYPE].add(service.name)
                for contract in reading.states(service.name):
                    self.stated_by[contract.TYPE].add(service.name)
                for family in reading.keeps():
                    self.kept_by.setdefault(family, set()).add(service.name)

    def breaches(self) -> list[str]:
        """Events that nobody states, or that more than one service does."""
        found = []
        for contract in self.known.values():
            states = sorted(self.stated_by[contract.TYPE])
            if not states:
                found.append(f"{contract.TYPE} is stated by nobody; state it or remove it")
            if len(states) > 1:
                found.append(f"{contract.TYPE} is stated by {' and '.join(states)}; one owns it")
            for family in self.kept_by.keys() & set(contract.__mro__):
                for service in sorted(self.kept_by[family] - self.acted_on_by[contract.TYPE]):
                    found.append(
                        f"{service} keeps a copy by {family.__name__} and misses {contract.TYPE};"
                        f" register by on_each({family.__name__})"
                    )
        return found

    def table(self) -> str:
        """The map in Markdown, in the order of the contracts."""
        rows = [
            f"| `{name}` | {_listed(self.stated_by[name])} | {_listed(self.acted_on_by[name])} |"
            for name in self.stated_by
        ]
        return "\n".join(["| event | stated by | acted on by |", "|---|---|---|", *rows])


def _listed(services: set[str]) -> str:
    return ", ".join(sorted(services)) or "–"


class _Reading:
    """One file: which of its names are contracts, and what it does with them."""

    def __init__(self, tree: ast.Module, known: Types):
        self._tree = tree
        self._known = known
        self._names: dict[str, type[Event]] = {}
        self._families: Types = {}
        self._values: dict[str, list[ast.expr]] = {}
        self._calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        self._note_names()

    def _note_names(self) -> None:
        """Contracts by the names this file gives them, and what its variables hold."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("contracts"):
                for alias in node.names:
                    if alias.name in self._known:
                        self._names[alias.asname or alias.name] = self._known[alias.name]
                    elif alias.name in FAMILIES:
                        self._families[alias.asname or alias.name] = FAMILIES[alias.name]
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self._hold(target, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._hold(node.target, node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                self._hold(node.target, node.iter)

    def _hold(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._values.setdefault(target.id, []).append(value)

    def acts_on(self) -> set[type[Event]]:
        """What stands in `consumers.on(…)`, `on_each(…)` and `on_batch(…)`."""
        found: set[type[Event]] = set()
        for call in self._calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr in _REGISTERING:
                for argument in call.args:
                    found |= self._contracts_in(argument, set())
                    found |= self._members(argument)
        return found

    def _members(self, argument: ast.expr) -> set[type[Event]]:
        """The contracts of the family that `CustomerEvent` or `customer.CustomerEvent` names."""
        family = self._family(argument)
        return {c for c in self._known.values() if family is not None and issubclass(c, family)}

    def _family(self, node: ast.expr | None) -> type[Event] | None:
        if isinstance(node, ast.Attribute):
            return FAMILIES.get(node.attr)
        return self._families.get(node.id) if isinstance(node, ast.Name) else None

    def keeps(self) -> set[type[Event]]:
        """The families by which functions named `keep…` copy another service's things."""
        found = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("keep"):
                for argument in node.args.args:
                    if (family := self._family(argument.annotation)) is not None:
                        found.add(family)
        return found

    def _contracts_in(self, node: ast.AST, seen: set[str]) -> set[type[Event]]:
        """The contracts an expression holds, through variables and `contracts(stream)`."""
        found: set[type[Event]] = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and ast.unparse(part.func) == "contracts":
                found |= set(self._known.values())
            if (contract := self._contract(part)) is not None:
                found.add(contract)
            elif isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                for value in self._values.get(part.id, []):
                    found |= self._contracts_in(value, seen)
        return found

    def _contract(self, node: ast.AST) -> type[Event] | None:
        """The contract that `OrderPaid` or `contracts.order.OrderPaid` names."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr in self._known:
            module = ast.unparse(node.value).rpartition(".")[2]
            contract = self._known[node.attr]
            return contract if module == contract.STREAM else None
        return None

    def states(self, service: str) -> set[type[Event]]:
        """What it makes; of its own streams also what it hands on to be made."""
        made = {c for call in self._calls if (c := self._contract(call.func)) is not None}
        for call in self._calls:
            if ast.unparse(call.func).rpartition(".")[2] == "publish":
                made |= {c for node in ast.walk(call) if (c := self._contract(node)) is not None}
        handed_on = set(self._handed_on())
        return made | {c for c in handed_on if OWNER_OF_STREAM.get(c.STREAM) == service}

    def _handed_on(self) -> Iterator[type[Event]]:
        """Contracts used as values: not as an annotation, a question or a registration."""
        aside = {id(part) for node in self._asides() for part in ast.walk(node)}
        for node in ast.walk(self._tree):
            if id(node) not in aside and (contract := self._contract(node)) is not None:
                yield contract

    def _asides(self) -> Iterator[ast.AST]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
                yield node.returns
            elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
                yield node.annotation
            elif isinstance(node, ast.MatchClass):
                yield node.cls
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in _ASKING | _REGISTERING:
                    yield node


def written_table(page: str) -> str | None:
    """The table between the marks of a page, if it has them."""
    _, begin, rest = page.partition(BEGIN)
    table, end, _ = rest.partition(END)
    return table.strip() if begin and end else None


def with_table(page: str, table: str) -> str:
    """The page with the table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main() -> None:
    """The command."""
    found = EventMap(Checkout.of_git(ROOT))
    if "--write" in sys.argv[1:]:
        page = ROOT / PAGE
        page.write_text(with_table(page.read_text("utf-8"), found.table()), "utf-8")
    else:
        sys.stdout.write(found.table() + "\n")
    sys.stderr.writelines(f"{breach}\n" for breach in found.breaches())


if __name__ == "__main__":
    main()
