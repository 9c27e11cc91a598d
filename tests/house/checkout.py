"""A checkout as the rules see it: its files, its members, their syntax trees."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

GIT_SECONDS = 30


@dataclass(frozen=True)
class Member:
    """A library or service of the workspace."""

    kind: str  # "libs" | "services"
    name: str  # folder and distribution
    declared: tuple[str, ...]  # its dependencies' distribution names

    @property
    def package(self) -> str:
        """What it is imported as."""
        return self.name.replace("-", "_")

    @property
    def folder(self) -> str:
        """From the root."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Import:
    """One module that a file imports; `level` counts the dots of a relative import."""

    module: str
    names: tuple[str, ...]
    line: int
    level: int

    @property
    def top(self) -> str:
        """The package."""
        return self.module.partition(".")[0]


class Checkout:
    """Files below a root; paths are relative to it, with slashes."""

    def __init__(self, root: Path, paths: list[str]):
        self.root, self.paths = root, sorted(paths)
        self._texts: dict[str, str] = {}
        self._trees: dict[str, ast.Module] = {}
        self._nodes: dict[str, list[ast.AST]] = {}

    @classmethod
    def of_git(cls, root: Path) -> "Checkout":
        """What git tracks, and what it would if it were added."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=root,
            check=True,
            capture_output=True,
            timeout=GIT_SECONDS,
        )
        paths = listed.stdout.decode("utf-8").split("\0")
        return cls(root, [path for path in paths if path and (root / path).is_file()])

    @classmethod
    def of_folder(cls, root: Path) -> "Checkout":
        """Everything below the folder."""
        files = (path for path in root.rglob("*") if path.is_file())
        return cls(root, [path.relative_to(root).as_posix() for path in files])

    def text(self, path: str) -> str:
        """A file's text, whatever its bytes are."""
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text("utf-8", errors="replace")
        return self._texts[path]

    def python(self, *folders: str) -> list[str]:
        """The Python files below the folders."""
        below = tuple(f"{folder}/" for folder in folders)
        return [path for path in self.paths if path.endswith(".py") and path.startswith(below)]

    def tree(self, path: str) -> ast.Module:
        """A Python file's syntax tree."""
        if path not in self._trees:
            self._trees[path] = ast.parse(self.text(path), path)
        return self._trees[path]

    def nodes(self, path: str) -> list[ast.AST]:
        """Every node of a file's tree; walked once for all rules."""
        if path not in self._nodes:
            self._nodes[path] = list(ast.walk(self.tree(path)))
        return self._nodes[path]

    def imports(self, path: str) -> Iterator[Import]:
        """Every import of a file, those within functions too."""
        for node in self.nodes(path):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, (), node.lineno, 0)
            elif isinstance(node, ast.ImportFrom):
                names = tuple(alias.name for alias in node.names)
                yield Import(node.module or "", names, node.lineno, node.level)

    def calls(self, path: str) -> Iterator[ast.Call]:
        """Every call of a file."""
        return (node for node in self.nodes(path) if isinstance(node, ast.Call))

    @cached_property
    def members(self) -> list[Member]:
        """The workspace's members, by their pyproject.toml."""
        found = []
        for path in self.paths:
            kind, _, rest = path.partition("/")
            name, _, file = rest.partition("/")
            if kind in ("libs", "services") and file == "pyproject.toml":
                project = tomllib.loads(self.text(path))["project"]
                found.append(Member(kind, name, tuple(map(_name, project.get("dependencies", [])))))
        return found

    @property
    def services(self) -> list[Member]:
        """The members that run."""
        return [member for member in self.members if member.kind == "services"]

    def package_files(self, member: Member) -> list[str]:
        """The Python files of a member's package."""
        return self.python(f"{member.folder}/{member.package}")


def _name(requirement: str) -> str:
    """`sqlalchemy[asyncio]>=2.1` is sqlalchemy."""
    name = requirement
    for mark in "[<>=!~; ":
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-")
