"""What billing does not import when it starts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import billing

FOLDER = Path(str(billing.__file__)).parent
HEAVY = {"pyarrow", "reportlab", "xlsxwriter"}  # a tenth of a start, and 60 MB
ALONE = {"billing.exports.arrow", "billing.partner_bills.write_pages"}


def _imported_at_the_start(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


def test_what_writes_files_is_imported_by_who_writes_one_alone() -> None:
    """Break: import `write_pages`, or xlsxwriter, where a module begins."""
    found = dict[str, set[str]]()
    for path in FOLDER.rglob("*.py"):
        name = ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
        for imported in _imported_at_the_start(path):
            if imported.partition(".")[0] in HEAVY or imported in ALONE:
                found.setdefault(name, set()).add(imported.partition(".")[0])
    assert found == {
        "billing.exports.arrow": {"pyarrow"},
        "billing.partner_bills.write_pages": {"reportlab"},
    }
