"""The SQL of every migration, as a database hears it, judged by squawk."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

# Not ours to judge: what the connection says (`lock_timeout` of two seconds), what each version's
# transaction gives (a run that failed goes on), and matters of taste about types.
LEFT_OUT = (
    "ban-concurrent-index-creation-in-transaction",  # alembic's autocommit block ends it before
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamptz",
    "require-lock-timeout",
    "require-statement-timeout",
)
SMALL = "a table of dozens or hundreds of rows: read within a millisecond"
READ_ONCE = "read once under the lock: with 1 M coupons no writer waited longer than 0.9 s"
VALIDATED = "added NOT VALID in a step before; squawk sees a name that was used before"
OWN = "added by this version, to be let go by it: it keeps the window of a step"
RENAMED = "of the version's own making; no code asks for an index by its name"
# service, version, rule: why it stays.
JUSTIFIED = {
    ("billing", "0014", "constraint-missing-not-valid"): VALIDATED,
    ("billing", "0014", "ban-drop-constraint"): OWN,
    ("billing", "0014", "renaming-object"): RENAMED,
    ("billing", "0014", "renaming-table"): "the parent takes its name in the same transaction",
    ("billing", "0018", "changing-column-type"): "a wider scale of numeric" + "; " + SMALL,
    ("billing", "0026", "require-concurrent-index-creation"): "ON ONLY a parent without rows",
    ("customer_sync", "0007", "ban-drop-table"): "a table that only this version's code made anew",
    ("customer_sync", "0013", "renaming-object"): RENAMED,
    ("customer_sync", "0019", "ban-drop-generated-expression"): "the values stay, by a trigger",
    ("order", "0024", "constraint-missing-not-valid"): VALIDATED,
    ("order", "0024", "ban-drop-constraint"): OWN,
    ("voucher", "0017", "constraint-missing-not-valid"): READ_ONCE,
    ("voucher", "0017", "ban-drop-constraint"): "a wider one takes its place in the transaction",
    ("voucher", "0017", "ban-drop-not-null"): "readers of before ask for quotas by a join",
    ("voucher", "0019", "constraint-missing-not-valid"): READ_ONCE,
    ("voucher", "0019", "ban-drop-constraint"): "a wider one takes its place in the transaction",
    ("voucher", "0021", "constraint-missing-not-valid"): READ_ONCE,
    ("voucher", "0021", "adding-foreign-key-constraint"): "of a new column, which is null: no row",
}
_NOTED = re.compile(
    r"UPDATE alembic_version SET version_num='(\w+)'"
    r"|INSERT INTO alembic_version .*VALUES \('(\w+)'\)"
)


def by_version(statements: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The SQL between one version's note and the next; the note comes last."""
    so_far: list[str] = []
    for statement in statements:
        if noted := _NOTED.match(statement):
            yield noted[1] or noted[2], "".join(f"{one.strip().rstrip(';')};\n" for one in so_far)
            so_far = []
        else:
            so_far.append(statement)


def judged(
    service: str, statements: Sequence[str], folder: Path
) -> dict[tuple[str, str, str], str]:
    """What squawk finds: service, version and rule, and the line that it means."""
    files = []
    for version, sql in by_version(statements):
        files.append(folder / f"{version}.sql")
        files[-1].write_text(sql)
    squawk = Path(sys.executable).parent / "squawk"
    asked = ["--reporter", "json", "--pg-version", "18.0", "--assume-in-transaction"]
    done = subprocess.run(
        [str(squawk), *asked, f"--exclude={','.join(LEFT_OUT)}", *map(str, files)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    found = json.loads(done.stdout or "[]")
    return {
        (service, Path(one["file"]).stem, one["rule_name"]): _line(one["file"], one["line"])
        for one in found
    }


def _line(file: str, number: int) -> str:
    return Path(file).read_text().splitlines()[number].strip()
