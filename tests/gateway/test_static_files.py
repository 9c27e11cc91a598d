"""The console's own files are sent whole, whatever part a stranger asks for."""

import pytest

from gateway.ops.pages import STATIC
from tests.gateway.gate import Gate

FILE = "vendor/htmx-2.0.11.min.js"
RANGES = [
    "bytes=0-1", "bytes=5-2", "bytes=-0", "bytes=99999999-", "bytes=0-1,1-2", "bytes=a-b",
    "bytes=0-0,-1", "bytes", "lines=1-2",
    "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 10_000, 2)),
]  # fmt: skip


@pytest.mark.parametrize("asked", RANGES)
async def test_a_range_means_nothing(gate: Gate, asked: str) -> None:
    whole = (STATIC / FILE).read_bytes()
    for more in ({}, {"If-Range": '"x"'}):
        answer = await gate.send("GET", f"/ops/static/{FILE}", headers={"Range": asked} | more)
        assert (answer.status, answer.raw) == (200, whole)
        assert "content-range" not in answer.headers
        assert "accept-ranges" not in answer.headers


async def test_who_has_a_file_already_is_told_so(gate: Gate) -> None:
    first = await gate.send("GET", f"/ops/static/{FILE}")
    known = {"If-None-Match": first.headers["etag"], "Range": "bytes=0-1"}
    again = await gate.send("GET", f"/ops/static/{FILE}", headers=known)
    assert (again.status, again.raw) == (304, b"")


@pytest.mark.parametrize("path", ["nothing.js", "../pages.py", "%2e%2e/pages.py", "vendor"])
async def test_nothing_else_is_a_file(gate: Gate, path: str) -> None:
    answer = await gate.send("GET", f"/ops/static/{path}", headers={"Range": "bytes=0-1"})
    assert answer.status == 404
