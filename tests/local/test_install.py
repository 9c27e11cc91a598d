"""What is looked at before anything is installed, and what a failure says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from install import bundle, look_first, places
from install import uv as installing
from install.places import InstallationError
from testkit.embedded.jars import CHECKOUT


def fake_uv(folder: Path, says: str) -> Path:
    """A program of that name that only tells its version."""
    program = folder / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("says", "taken"),
    [("uv 0.13.0", True), ("uv 1.0.2 (abc 2027-01-01)", True), ("uv 0.12.9", False),
     ("uv 0.4.30", False), ("something else", False)],
)  # fmt: skip
def test_the_machines_uv_is_taken_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, taken: bool
) -> None:
    theirs = fake_uv(tmp_path / "theirs", says)
    ours = fake_uv(tmp_path / "ours", f"uv {places.UV_VERSION}")
    monkeypatch.setattr(installing, "OWN_UV", tmp_path / "ours")
    monkeypatch.setenv("PATH", f"{theirs.parent}{os.pathsep}{os.environ['PATH']}")
    assert installing.ensure_uv() == (theirs if taken else ours)


def test_a_full_disk_is_said_with_what_is_needed(tmp_path: Path) -> None:
    look_first.refuse_full_disk(tmp_path / "not" / "there", 1)
    with pytest.raises(InstallationError, match=r"has [\d.]+ GB left, and 1000000.0 GB are needed"):
        look_first.refuse_full_disk(tmp_path / "not" / "there", 10**15)


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("error: No space left on device (os error 28)", "make room"),
        ("invalid peer certificate: UnknownIssuer", "root to the system's store"),
        ("dns error: failed to lookup address", "UV_DEFAULT_INDEX"),
        ("No module named pip", "python3-venv"),
    ],
)
def test_what_uv_says_is_followed_by_its_cure(said: str, cure: str) -> None:
    assert cure in installing._cure(said)


def test_a_bundle_for_another_machine_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "FITS", tmp_path / "fits.json")
    bundle.refuse_foreign()  # there is none
    bundle.FITS.write_text(json.dumps(bundle.this_machine()))
    bundle.refuse_foreign()
    bundle.FITS.write_text(json.dumps(bundle.this_machine() | {"python": "3.9"}))
    with pytest.raises(InstallationError, match=r"made for Python 3\.9 .* and this is Python"):
        bundle.refuse_foreign()


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="There is no bundle"):
        bundle.unpack(tmp_path / "none.tar")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`make python …`: the first thing that every installation does."""
    command = ["make", "--no-print-directory", "-C", str(CHECKOUT), "python", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_python_that_is_too_old_or_absent_is_said_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\necho "this is too old" >&2; exit 1\n')
    old.chmod(0o755)
    assert make(f"PYTHON={sys.executable}").returncode == 0
    for python, says in ((str(old), "too old"), (str(tmp_path / "none"), "There is no"),
                         ("", "needs Python 3.11 or newer")):  # fmt: skip
        refused = make(f"PYTHON={python}")
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert says in said, said
        assert "Traceback" not in said
