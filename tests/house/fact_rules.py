"""How events are made of rows: in a subject's `facts.py`, each field spelled."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.house.checkout import Checkout, Member

EVENT = "Event"
# What the outbox and the restatement set themselves.
_SET_BY_OTHERS = frozenset({"event_id", "restated"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def facts_are_spelled(checkout: Checkout) -> Iterator[str]:
    """A field that a contract got is forgotten where nobody spells it, or told by accident."""
    known = _Contracts(checkout)
    for member in checkout.services:
        families = _families(checkout, member, known)
        for path in checkout.package_files(member):
            if "/migrations/" not in path:
                yield from _Reading(checkout, path, known, families).breaches()


@dataclass(frozen=True)
class _Family:
    """A function that makes any event of a family: its parameter of that type, and its fields."""

    position: int
    bound: str  # the family; "" when it is told all fields of each

    def spells(self, known: "_Contracts", contract: str) -> frozenset[str]:
        """The fields that the function itself fills in."""
        return known.fields(self.bound or contract)


class _Contracts:
    """The classes of the contracts, read by their syntax."""

    def __init__(self, checkout: Checkout):
        self._bases: dict[str, list[str]] = {}
        self._own: dict[str, set[str]] = {}
        for path in checkout.python("libs/contracts/contracts"):
            for node in checkout.tree(path).body:
                if isinstance(node, ast.ClassDef):
                    self._bases[node.name] = [ast.unparse(base) for base in node.bases]
                    self._own[node.name] = {
                        line.target.id
                        for line in node.body
                        if isinstance(line, ast.AnnAssign)
                        and isinstance(line.target, ast.Name)
                        and "ClassVar" not in ast.unparse(line.annotation)
                    }

    def fields(self, name: str) -> frozenset[str]:
        """What whoever makes one says."""
        found = set(self._own.get(name, ()))
        for base in self._bases.get(name, ()):
            found |= self.fields(base)
        return frozenset(found - _SET_BY_OTHERS)

    def is_event(self, name: str) -> bool:
        """A fact, or the base of some."""
        return name == EVENT or any(map(self.is_event, self._bases.get(name, ())))

    def is_known(self, name: str) -> bool:
        """An event, or a model that events are made of."""
        return bool(self.fields(name))


@dataclass
class _Names:
    """What a file calls contracts, and the types of what its functions are handed."""

    contracts: dict[str, str] = field(default_factory=dict)
    variables: dict[str, list[str]] = field(default_factory=dict)  # TypeVar → bound or choices
    bounded: set[str] = field(default_factory=set)  # the TypeVars with a bound

    @classmethod
    def of(cls, tree: ast.Module, known: _Contracts) -> "_Names":
        """By its imports and its TypeVars."""
        names = cls()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("contracts"):
                for alias in node.names:
                    if known.is_known(alias.name):
                        names.contracts[alias.asname or alias.name] = alias.name
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("TypeVar("):
                names._note(node)
        return names

    def _note(self, node: ast.Assign) -> None:
        assert isinstance(node.value, ast.Call)
        name = ast.unparse(node.targets[0])
        bound = [ast.unparse(k.value) for k in node.value.keywords if k.arg == "bound"]
        if bound:
            self.bounded.add(name)
        told = bound or [ast.unparse(choice) for choice in node.value.args[1:]]
        self.variables[name] = [self.contracts[one] for one in told if one in self.contracts]

    def handed(self, argument: ast.arg) -> tuple[list[str], bool] | None:
        """Contracts that a parameter `type[…]` stands for, and whether they are a family."""
        said = ast.unparse(argument.annotation) if argument.annotation else ""
        inner = said.removeprefix("type[").removesuffix("]")
        if said == inner:
            return None
        if inner in self.variables:
            return self.variables[inner], inner in self.bounded
        return ([self.contracts[inner]], True) if inner in self.contracts else None


def _families(checkout: Checkout, member: Member, known: _Contracts) -> Mapping[str, _Family]:
    """The functions of the service's `facts.py` that are handed a contract."""
    found = {}
    for path in checkout.package_files(member):
        if not path.endswith("/facts.py"):
            continue
        names = _Names.of(checkout.tree(path), known)
        for function in _functions(checkout.tree(path)):
            for position, argument in enumerate(function.args.args):
                if handed := names.handed(argument):
                    bases, is_family = handed
                    family = _Family(position, bases[0] if is_family and bases else "")
                    found[_name(path, function.name)] = family
    return found


def _name(path: str, function: str) -> str:
    """A function that begins with _ is its file's alone."""
    return f"{path}:{function}" if function.startswith("_") else function


class _Reading:
    """One file: where it makes events, and what it says of them."""

    def __init__(
        self, checkout: Checkout, path: str, known: _Contracts, families: Mapping[str, _Family]
    ):
        self._tree, self._path, self._known = checkout.tree(path), path, known
        self._names, self._families = _Names.of(self._tree, known), families

    def breaches(self) -> Iterator[str]:
        """What is made elsewhere, read by name, handed on whole or left unsaid."""
        is_home = self._path.endswith("/facts.py")
        inside = {id(call) for function in _functions(self._tree) for call in _calls(function)}
        for function in _functions(self._tree):
            for call in _calls(function):
                yield from self._made(call, function, is_home=is_home)
        for call in _calls(self._tree):
            if id(call) not in inside:
                yield from self._made(call, None, is_home=is_home)
            if is_home and ast.unparse(call.func) in ("getattr", "vars"):
                yield f"{self._at(call)} reads fields by their names; spell each of them"

    def _made(self, call: ast.Call, function: _Function | None, *, is_home: bool) -> Iterator[str]:
        called = ast.unparse(call.func)
        if called in self._names.contracts:
            contract = self._names.contracts[called]
            if self._known.is_event(contract) and not is_home:
                yield f"{self._at(call)} makes {contract}; let a function of facts.py make it"
            yield from self._spelled(call, contract, self._known.fields(contract), None)
        elif function is not None and (handed := self._handed(called, function)):
            for contract in handed:
                fields = self._known.fields(contract)
                yield from self._spelled(call, contract, fields, function.args.kwarg)
        elif family := self._families.get(_name(self._path, called)):
            for contract in self._told(call, family.position, function):
                own = self._known.fields(contract) - family.spells(self._known, contract)
                handed_on = function.args.kwarg if function is not None else None
                yield from self._spelled(call, contract, own, handed_on)

    def _told(self, call: ast.Call, position: int, function: _Function | None) -> Sequence[str]:
        """The contracts that stand in the place where a family's function is told which."""
        if len(call.args) <= position:
            return ()
        told = ast.unparse(call.args[position])
        if told in self._names.contracts:
            return [self._names.contracts[told]]
        return self._handed(told, function) if function is not None else ()

    def _handed(self, called: str, function: _Function) -> Sequence[str]:
        for argument in function.args.args:
            if argument.arg == called and (handed := self._names.handed(argument)):
                return handed[0]
        return ()

    def _spelled(
        self, call: ast.Call, contract: str, fields: frozenset[str], own: ast.arg | None
    ) -> Iterator[str]:
        for keyword in call.keywords:
            if keyword.arg is None and not (own and ast.unparse(keyword.value) == own.arg):
                yield (
                    f"{self._at(call)} makes {contract} of **{ast.unparse(keyword.value)};"
                    " spell each field"
                )
                return
        if missing := fields - {keyword.arg for keyword in call.keywords}:
            yield (
                f"{self._at(call)} says nothing of {contract}'s {', '.join(sorted(missing))};"
                " spell it, None where there is nothing to say"
            )

    def _at(self, call: ast.Call) -> str:
        return f"{self._path}:{call.lineno}"


def _functions(tree: ast.Module) -> list[_Function]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _calls(node: ast.AST) -> list[ast.Call]:
    return [found for found in ast.walk(node) if isinstance(found, ast.Call)]
