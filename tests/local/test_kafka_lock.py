"""The lock of Kafka's jars pins content and names no place."""

import re
import tomllib
from pathlib import Path

import pytest

from testkit.embedded import jars


def test_every_jar_is_pinned_by_its_sha256() -> None:
    entries = tomllib.loads(jars.LOCK.read_text())["dependencies"]
    assert len(entries) == 46
    assert all(re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) for entry in entries)


def test_neither_the_lock_nor_its_specification_names_a_host() -> None:
    for committed in (jars.LOCK, jars.SPECIFICATION):
        assert not re.search(r"https?:|://|repositories|\.(com|net|io)/", committed.read_text())


def test_all_parts_of_kafka_have_one_version() -> None:
    locked = jars.locked_jars()
    versions = {jar.version for jar in locked if jar.group == "org.apache.kafka"}
    assert versions == {jars.kafka_version(locked)}


def test_a_damaged_jar_in_the_cache_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANNELBUS_CACHE_DIR", str(tmp_path))
    fetched: list[str] = []

    def fetch(missing: list[jars.LockedJar], *_: object) -> None:
        fetched.extend(jar.file_name for jar in missing)

    monkeypatch.setattr(jars, "_fetch", fetch)
    first = jars.locked_jars()[0]
    folder = tmp_path / f"kafka-{jars.kafka_version(jars.locked_jars())}"
    folder.mkdir()
    (folder / first.file_name).write_bytes(b"not the jar")
    jars.ensure_jars()
    assert first.file_name in fetched


def test_a_jar_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong.jar"
    wrong.write_bytes(b"another jar")
    monkeypatch.setattr(jars, "_download", lambda _jar, _scratch: wrong)
    with pytest.raises(jars.JarMismatchError, match="locked"):
        jars._fetch_one(jars.locked_jars()[0], tmp_path, tmp_path)
