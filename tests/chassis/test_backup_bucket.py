"""Backups in a bucket, and dumps: written from one server, loaded into another.

The bucket is a folder behind the same client; `make prove-backups` takes a real server.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup.bucket import Bucket, Shipper, prune
from backup.physical import SEGMENT_BYTES, BackupError, Store
from testkit.servers import PostgresServer
from tests.chassis.backing_up import LOGGED, backup, received, restored, rows, streaming, url_of
from tests.flows.cast import eventually

FIRST, SECOND, THIRD = (f"00000001000000000000000{one}" for one in (3, 4, 5))
pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One whose log can be streamed."""
    found = PostgresServer.private(LOGGED)
    try:
        yield found
    finally:
        found.close()


def test_a_server_that_is_gone_comes_back_from_the_bucket_alone(
    server: PostgresServer, tmp_path: Path
) -> None:
    """The spool is lost, too. Break: do not ship what is not whole yet; ship without the base."""
    there = ["--bucket", (tmp_path / "bucket").as_uri()]
    server.create_database("kept")
    server.execute("CREATE TABLE kept (id int)", "kept")
    with streaming(tmp_path / "spool", server.url, *there, "--partial-seconds", "0"):
        eventually(lambda: _slots(server), lambda found: found == [["channelbus_backup"]])
        assert backup(tmp_path / "spool", "base", server.url, *there).returncode == 0
        server.execute("INSERT INTO kept SELECT generate_series(1, 1000)", "kept")
        server.execute("SELECT pg_switch_wal()", "kept")
        server.execute("INSERT INTO kept VALUES (0)", "kept")
        shipped = Bucket.at(there[1], Store(tmp_path / "spool"))
        eventually(shipped.segments, lambda found: len(found) >= 2, 30)
        received(server)
    checked = backup(tmp_path / "spool", "check", "", *there)
    assert "segments from" in checked.stdout, checked.stderr
    told = (tmp_path / "spool" / "channelbus_backup.prom").read_text()
    assert "channelbus_backup_check_failed 0" in told
    assert not list((tmp_path / "spool" / "base").iterdir())
    with restored(tmp_path / "other", *there) as back:
        assert rows(f"{url_of(back, server)}/kept", "SELECT count(*), min(id) FROM kept") == [
            [1001, 0]
        ]

    (base,) = shipped.bases()
    packed = tmp_path / "bucket" / "base" / base / "base.tar.gz"
    packed.write_bytes(packed.read_bytes()[:-100])
    torn = backup(tmp_path / "spool", "check", "", *there)
    assert torn.returncode == 1
    assert "pg_verifybackup failed" in torn.stderr
    told = (tmp_path / "spool" / "channelbus_backup.prom").read_text()
    assert "channelbus_backup_check_failed 1" in told


def test_a_dump_is_loaded_into_another_server(server: PostgresServer, tmp_path: Path) -> None:
    """Break: leave `--no-owner` out; do not make the database."""
    server.create_database("channelbus_one")
    server.create_database("elsewhere")
    server.execute("CREATE TABLE bill (amount numeric)", "channelbus_one")
    server.execute("INSERT INTO bill VALUES (12.34), (0.01)", "channelbus_one")
    dumped = backup(tmp_path, "dump", server.url)
    assert dumped.stdout.splitlines() == [str(tmp_path / "channelbus_one.dump")], dumped.stderr
    again = backup(tmp_path, "load", server.url)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert 'database "channelbus_one" already exists' in again.stderr
    server.drop_database("channelbus_one")
    loaded = backup(tmp_path, "load", server.url)
    assert loaded.stdout.splitlines() == ["channelbus_one"], loaded.stderr
    assert rows(server.database_url("channelbus_one"), "SELECT sum(amount)::text FROM bill") == [
        ["12.35"]
    ]
    nothing = backup(tmp_path / "empty", "dump", server.url, "--prefix", "nothing_")
    assert nothing.stderr.strip() == "There is no database whose name begins with nothing_."


def _slots(server: PostgresServer) -> list[list[Any]]:
    return rows(f"{server.url}/postgres", "SELECT slot_name FROM pg_replication_slots WHERE active")


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    store = Store(tmp_path / "spool")
    store.wal.mkdir(parents=True)
    return Bucket.at((tmp_path / "bucket").as_uri(), store)


def _segment(bucket: Bucket, name: str, filled: bytes = b"x") -> None:
    (bucket.spool.wal / name).write_bytes(filled * SEGMENT_BYTES)


def test_shipped_segments_leave_the_spool_and_another_servers_are_refused(bucket: Bucket) -> None:
    """Break: write over what is there; remove the last one, from which streaming goes on."""
    partial = bucket.spool.wal / f"{SECOND}.partial"
    _segment(bucket, FIRST)
    partial.write_bytes(b"begun")
    shipper = Shipper(bucket)
    shipper.ship(with_partial=True)
    assert sorted(bucket.sizes("wal")) == [FIRST, f"{SECOND}.partial.gz"]
    partial.unlink()
    _segment(bucket, SECOND)
    shipper.ship(with_partial=True)
    assert bucket.segments() == {FIRST: SEGMENT_BYTES, SECOND: SEGMENT_BYTES}
    assert sorted(bucket.sizes("wal")) == [FIRST, SECOND]
    assert bucket.spool.segments() == [SECOND]
    Shipper(bucket).ship(with_partial=True)  # the same again, after a start
    _segment(bucket, SECOND, b"y")
    with pytest.raises(BackupError, match=f"wal/{SECOND} is another server's: name another"):
        Shipper(bucket).ship(with_partial=True)


def test_pruning_keeps_the_log_of_what_is_kept(bucket: Bucket) -> None:
    """Break: ask the newest base backup for its first segment."""
    for day, name in enumerate((FIRST, SECOND, THIRD), 1):
        begin = [{"Timeline": 1, "Start-LSN": f"0/{name[-1]}000028", "End-LSN": "0/0"}]
        base = f"base/{datetime(2026, 11, day, tzinfo=UTC):%Y%m%dT%H%M%S.%fZ}"
        bucket.put(f"{base}/base.tar.gz", b"")
        bucket.put(f"{base}/backup_manifest", json.dumps({"WAL-Ranges": begin}).encode())
        bucket.put(f"wal/{name}", b"")
    bucket.put("base/20261130T000000.000000Z/base.tar.gz", b"")  # broken off: not whole
    assert prune(bucket, 2) == ["20261101T000000.000000Z", FIRST]
    assert sorted(bucket.segments()) == [SECOND, THIRD]
    assert [name[:8] for name in bucket.bases()] == ["20261102", "20261103"]


def test_a_bucket_that_is_away_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = backup(tmp_path, "check", "", "--bucket", (tmp_path / "file" / "x").as_uri())
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
