"""Who is left alone at the end of `make test`, and what `make quick` leaves out."""

import json
import re
import shlex

import pytest

from testkit.embedded.jars import CHECKOUT
from testkit.selection import SECONDS_FILE, in_good_order, needs_server

pytest_plugins = ["pytester"]

INI = """
[pytest]
filterwarnings = ignore
markers = kafka
asyncio_default_fixture_loop_scope = function
"""
QUICK = "def test_one(): pass\ndef test_two(): pass\ndef test_three(): pass\n"
LONG = """
import pytest
@pytest.fixture
def {fixture}(): pass
def test_of_a_server({fixture}): pass
"""
PATIENT = "import pytest\n@pytest.mark.timeout(600)\ndef test_patient(): pass\n"
MARKED = "import pytest\n@pytest.mark.kafka\ndef test_marked(): pass\n"
PLUGINS = ("-p", "testkit.selection", "-p", "no:cacheprovider")


def written(pytester: pytest.Pytester, **files: str) -> None:
    """Test files of a checkout of its own."""
    pytester.makeini(INI)
    for name, text in files.items():
        (pytester.path / f"test_{name}.py").write_text(text)


def files_of(items: list[pytest.Item]) -> list[str]:
    """The files in the order of their first tests."""
    return list(dict.fromkeys(item.nodeid.split("::")[0] for item in items))


def test_a_file_that_is_not_timed_yet_is_placed_by_the_servers_it_asks_for(
    pytester: pytest.Pytester,
) -> None:
    written(
        pytester,
        a_quick=QUICK,
        b_postgres=LONG.format(fixture="postgres_server"),
        c_system=LONG.format(fixture="make_system"),
        d_patient=PATIENT,
    )
    items, _ = pytester.inline_genitems()
    placed = in_good_order(items, {})
    assert files_of(placed) == [
        "test_d_patient.py",
        "test_b_postgres.py",
        "test_c_system.py",
        "test_a_quick.py",
    ]
    assert [item.name for item in placed[-3:]] == ["test_one", "test_two", "test_three"]


def test_waiting_files_and_busy_ones_are_through_at_the_same_time(
    pytester: pytest.Pytester,
) -> None:
    waiting = {f"w{n}": LONG.format(fixture="kafka_server") for n in range(3)}
    written(pytester, **waiting, **{f"b{n}": QUICK for n in range(6)})
    items, _ = pytester.inline_genitems()
    timed = {f"test_w{n}.py": 10.0 - n for n in range(3)}
    timed |= {f"test_b{n}.py": 5.0 - n / 10 for n in range(6)}
    placed = [file[5:7] for file in files_of(in_good_order(items, timed))]
    assert placed == ["w0", "b0", "b1", "b2", "w1", "b3", "b4", "w2", "b5"]


def test_what_was_timed_goes_before_what_is_only_supposed(pytester: pytest.Pytester) -> None:
    written(pytester, a_quick=QUICK, b_postgres=LONG.format(fixture="postgres_server"))
    items, _ = pytester.inline_genitems()
    timed = {"test_a_quick.py": 1.0, "test_gone.py": 99.0}
    assert files_of(in_good_order(items, timed)) == ["test_a_quick.py", "test_b_postgres.py"]


def test_a_test_needs_a_server_by_its_fixture_or_its_mark(pytester: pytest.Pytester) -> None:
    written(pytester, a=QUICK, b=LONG.format(fixture="kafka_server"), c=MARKED)
    items, _ = pytester.inline_genitems()
    assert {item.name for item in items if needs_server(item)} == {
        "test_of_a_server",
        "test_marked",
    }
    result = pytester.runpytest_inprocess(*PLUGINS, "--no-servers")
    result.assert_outcomes(passed=3, deselected=2)


def test_the_workers_of_make_test_begin_with_the_longest_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: take `--no-loadscope-reorder` out of the Makefile; files with more tests go first."""
    makefile = (CHECKOUT / "Makefile").read_text()
    (told,) = re.findall(r"^TEST = \S+ (.*) \$\(ARGS\)$", makefile, re.MULTILINE)
    one_worker = ["1" if word == "3" else word for word in shlex.split(told)]
    written(pytester, a_quick=QUICK, z_long=LONG.format(fixture="make_system"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take seconds to load
    result = pytester.runpytest_subprocess(*PLUGINS, "-p", "xdist", "-v", *one_worker)
    result.assert_outcomes(passed=4)
    ran = re.findall(r"PASSED (?:\[ *\d+%\] )?(test_\w+\.py)", result.stdout.str())
    assert ran[0] == "test_z_long.py", result.stdout.str()


def test_what_each_file_took_is_kept_for_the_next_run(pytester: pytest.Pytester) -> None:
    written(pytester, a_quick=QUICK)
    kept = pytester.path / SECONDS_FILE
    kept.parent.mkdir()
    kept.write_text(json.dumps({"test_gone.py": 7.0}))
    pytester.runpytest_inprocess(*PLUGINS, "--record-seconds").assert_outcomes(passed=3)
    assert set(json.loads(kept.read_text())) == {"test_a_quick.py"}
