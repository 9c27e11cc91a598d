"""What pages owe to their readers: references that lead somewhere, lines and pages of bounds."""

import re
from collections.abc import Iterator

from tests.house.checkout import Checkout

PROSE_COLUMNS_MAX = 100
README_WORDS_MAX = 600
LONG_READMES = frozenset(
    {
        "README.md",
        "docs/domain/README.md",
        "docs/decisions/README.md",
        "deploy/helm/channelbus/README.md",  # generated: one row per value
    }
)

DOMAIN, DECISIONS = "docs/domain/", "docs/decisions/"
DECISION_SAYS = ("Context", "Decision", "Consequences", "Alternatives", "Held by")

_REFERRING = (".py", ".toml", ".json", ".md", ".yml", "Makefile")
# The vendor's reference as it was, and what is made from it.
_FOREIGN = ("tests/wire_lib/operations.json",)
_WRITTEN_AT_RUN_TIME = (".run/",)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"`[^`]*`")
_NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|json|toml|yml))`")
_PAGE = re.compile(r"(?<![\w*<{}/.-])((?:[\w-]+/)*[\w-]+\.md)\b")
_ANCHOR = r"[A-J]\d*(?:\.\d+[a-z]?)*"
_RULE = re.compile(rf"\bdocs/domain/([\w-]+)\.md ({_ANCHOR}\b(?:(?:, | and ){_ANCHOR}\b)*)")
# The same without its page, as in "(B.7)": it is somewhere in docs/domain.
_BARE = re.compile(r"(?<![\w./-])([A-J](?:\d+)?(?:\.\d+[a-z]?)+|F\d{1,2})(?![\w-])")
_HEADED = re.compile(r'<a id="([a-j][\w-]*)">')
_DECISION = re.compile(r"\bdecision (\d{4})\b")


def pages_name_files_that_exist(checkout: Checkout) -> Iterator[str]:
    """A page is read by those who do not know the way."""
    for path in checkout.paths:
        if not path.endswith(".md"):
            continue
        folder = path.rpartition("/")[0]
        for number, line in enumerate(checkout.text(path).splitlines(), 1):
            for link in _LINK.findall(_CODE.sub("", line)):
                if not (checkout.root / folder / link).exists():
                    yield f"{path}:{number} links to {link}, which is not there; mend the link"
            for name in _NAMED.findall(line):
                if not name.startswith(_WRITTEN_AT_RUN_TIME) and not _is_there(checkout, name):
                    yield f"{path}:{number} names {name}, which is not there; name what is"


def references_lead_somewhere(checkout: Checkout) -> Iterator[str]:
    """A page, a rule of docs/domain, a decision: whoever follows the reference finds it here."""
    anchors = {path: set(_HEADED.findall(checkout.text(path))) for path in _pages(checkout, DOMAIN)}
    anywhere = frozenset[str]().union(*anchors.values())
    numbers = {path.removeprefix(DECISIONS)[:4] for path in _pages(checkout, DECISIONS)}
    for path in checkout.paths:
        if not path.endswith(_REFERRING) or path in _FOREIGN:
            continue
        for number, line in enumerate(checkout.text(path).splitlines(), 1):
            for page in _PAGE.findall(line):
                if not page.startswith(_WRITTEN_AT_RUN_TIME) and not _is_there(checkout, page):
                    yield f"{path}:{number} refers to {page}, which is not there; say it in words"
            for page, listed in _RULE.findall(line):
                known = anchors.get(f"{DOMAIN}{page}.md", set())
                for name in re.split(", | and ", listed):
                    if name.lower().replace(".", "-") not in known:
                        yield f"{path}:{number} refers to {name}, which docs/domain/{page}.md lacks"
            if path.endswith((".py", ".md", ".toml")) and not path.startswith(DOMAIN):
                for name in _BARE.findall(line):
                    if name.lower().replace(".", "-") not in anywhere:
                        yield f"{path}:{number} refers to {name}, which no page of {DOMAIN} has"
            for wanted in _DECISION.findall(line):
                if wanted not in numbers:
                    yield f"{path}:{number} refers to decision {wanted}; there is none"


def _is_there(checkout: Checkout, name: str) -> bool:
    return any(f"/{known}".endswith(f"/{name}") for known in checkout.paths)


def _pages(checkout: Checkout, folder: str) -> list[str]:
    return [path for path in checkout.paths if path.startswith(folder) and path.endswith(".md")]


def prose_lines_are_short(checkout: Checkout) -> Iterator[str]:
    """Tables and code excepted: they cannot be wrapped."""
    for path in checkout.paths:
        if not path.endswith(".md"):
            continue
        in_code = False
        for number, line in enumerate(checkout.text(path).splitlines(), 1):
            if line.lstrip().startswith("```"):
                in_code = not in_code
            elif len(line) > PROSE_COLUMNS_MAX and not in_code and not line.startswith("|"):
                yield f"{path}:{number} has {len(line)} columns; wrap it at {PROSE_COLUMNS_MAX}"


def readmes_are_read(checkout: Checkout) -> Iterator[str]:
    """One per library and service, short enough that somebody reads it to its end."""
    for member in checkout.members:
        if f"{member.folder}/README.md" not in checkout.paths:
            yield f"{member.folder}/README.md is missing; say what {member.name} owns"
    for path in checkout.paths:
        if path.rpartition("/")[2] != "README.md" or path in LONG_READMES:
            continue
        words = len(checkout.text(path).split())
        if words > README_WORDS_MAX:
            yield (
                f"{path} has {words} words, more than {README_WORDS_MAX};"
                " a decision has a page of its own in docs/decisions"
            )


def decisions_are_held(checkout: Checkout) -> Iterator[str]:
    """Each says why, what else was possible, and which test turns red without it."""
    index = f"{DECISIONS}README.md"
    listed = checkout.text(index) if index in checkout.paths else ""
    numbered: dict[str, str] = {}
    for path in _pages(checkout, DECISIONS):
        name = path.removeprefix(DECISIONS)
        if name in ("README.md", "template.md"):
            continue
        if not re.match(r"\d{4}-[a-z]", name):
            yield f"{path} has no number; give it the next one"
            continue
        if other := numbered.setdefault(name[:4], path) != path:
            yield f"{path} has the number of {numbered[name[:4]]}; give it the next one"
        if f"({name})" not in listed and not other:
            yield f"{path} is not in {index}; add its row"
        text = checkout.text(path)
        for heading in DECISION_SAYS:
            if f"\n## {heading}\n" not in text:
                yield f"{path} has no heading '## {heading}'"
        held = text.rpartition("\n## Held by\n")[2]
        tests = re.findall(r"`(tests/[\w/]+\.py)", held)
        if not tests or not all(test in checkout.paths for test in tests):
            yield f"{path} names no test that is there; name the one that holds it"
