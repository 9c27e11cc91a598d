"""What must stand in files, and what may not."""

import re
from collections.abc import Iterator

from tests.house.checkout import Checkout

FILE_LINES_MAX = 400
COUNTED = (".py", ".md", ".html", ".css", ".js", ".yml", ".yaml")
README_LINES_MAX = 80

# Longer files, and why they read better whole.
LONG_FILES = {
    "CHANGELOG.md": "one page that a user searches before an upgrade",
    "benchmarks/bus.py": "every figure stands beside its peer, measured in one run",
    "libs/contracts/contracts/order.py": "one module for each stating service, all it states there",
    "docs/events.md": "generated: one row per field of every event",
}

README_SAYS = {
    "owns": "what it alone may change",
    "does not own": "what one may look for here in vain, and who has it",
    "states": "its events",
    "acts on": "others' events",
    "wire operations": "the operations of the vendor's API that it answers",
    "decisions": "where the rules were silent",
    "time": "what an instant or a date means here",
    "money": "its precision and its double entry, or that there is none",
    "identity": "whose rows they are, and how ids are made",
}

_HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|repo1?\.maven|repository\.apache\.org"
    r"|registry\.yarnpkg|(?:index|registry)[_-]?url\s*[=:]\s*\S+://",
    re.IGNORECASE,
)
_MACHINE_PATHS = re.compile(r"(?<![\w.~}-])/(?:home|Users|root|work|mnt|Volumes)/\w")
_BINARY = (".png", ".jpg", ".ico", ".woff2", ".jar", ".gz")


def files_stay_short(checkout: Checkout) -> Iterator[str]:
    """A question to ask oneself, with the answer written down."""
    long = {path for path in checkout.paths if path.endswith(COUNTED) and _lines(checkout, path)}
    for path in sorted(long - set(LONG_FILES)):
        yield (
            f"{path} has {_lines(checkout, path)} lines, more than {FILE_LINES_MAX}; split it by"
            " subject, or say in LONG_FILES why it reads better whole"
        )


def excuses_for_long_files_are_used(checkout: Checkout) -> Iterator[str]:
    """An excuse that nobody needs lets the next long file through."""
    for path in LONG_FILES:
        if path not in checkout.paths or not _lines(checkout, path):
            yield f"{path} is not long any more; take it out of LONG_FILES"


def _lines(checkout: Checkout, path: str) -> int:
    """How many lines a file that is too long has; 0 for the others."""
    count = checkout.text(path).count("\n")
    return count if count > FILE_LINES_MAX else 0


def each_service_says_what_it_is(checkout: Checkout) -> Iterator[str]:
    """One screen, with the same headings in each."""
    for member in checkout.services:
        path = f"{member.folder}/README.md"
        if path not in checkout.paths:
            yield f"{path} is missing; say what {member.name} owns, states and acts on"
            continue
        lines = checkout.text(path).lower().splitlines()
        headings = _headings(lines)
        for heading, says in README_SAYS.items():
            if not any(re.search(rf"\b{heading}\b", text) for text in headings):
                yield f"{path} has no heading '{heading}', bold or with #: say there {says}"
        if len(lines) > README_LINES_MAX:
            yield f"{path} has {len(lines)} lines; one screen is {README_LINES_MAX} at most"


def _headings(lines: list[str]) -> list[str]:
    """What stands behind a # or between ** and **, below the title."""
    behind = [line for line in lines[1:] if line.startswith("#")]
    bold = [text for line in lines for text in re.findall(r"\*\*([^*]+)\*\*", line)]
    return behind + bold


def no_file_names_a_registry_or_a_machine(checkout: Checkout) -> Iterator[str]:
    """Each machine has its own registry and folders; a file that names one works on one only."""
    for path in checkout.paths:
        if path.endswith(_BINARY):
            continue
        for number, line in enumerate(checkout.text(path).splitlines(), 1):
            if found := _HOSTS.search(line):
                yield (
                    f"{path}:{number} names the registry {found[0]}; leave it to the"
                    " configuration of pip, uv, npm or Maven on each machine"
                )
            if found := _MACHINE_PATHS.search(line):
                yield (
                    f"{path}:{number} names a path of one machine, {found[0]}…;"
                    " make it relative to the checkout, or a setting"
                )


def each_test_folder_is_a_package(checkout: Checkout) -> Iterator[str]:
    """Else equal file names in two folders hide each other's tests."""
    known = set(checkout.paths)
    for path in checkout.python("tests"):
        folder = path.rpartition("/")[0]
        if f"{folder}/__init__.py" not in known:
            yield f"{path}: its folder has no __init__.py; add an empty one"
