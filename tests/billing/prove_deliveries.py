"""Files in a bucket of a real server that checks signatures: `make prove-deliveries`.

versitygw is built from its Go module, once: Go has to be there, and it takes minutes.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from billing.settings import BillingSettings
from chassis.database import Database
from testkit.embedded.ports import free_port
from testkit.keys import ENCRYPTION_KEYS
from tests.billing.bill_lines import put_lines
from tests.billing.builders import NOW, BillingDoor
from tests.billing.proving import prove, tell
from tests.billing.test_exports import members
from tests.billing.test_file_subscriptions import NOON, Worker, delivered, shown, subscribed

MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
PLACE = Path(".run/versitygw")
ACCESS, SECRET, BUCKET = "proving", "a-secret-of-the-proof", "bills"
START_SECONDS_MAX = 30


def server() -> Path:
    """The built program."""
    program = PLACE.absolute() / "versitygw"
    if not program.exists():
        if shutil.which("go") is None:
            sys.exit("make prove-deliveries needs Go to build versitygw")
        tell("building versitygw, once; it takes minutes")
        told = {**os.environ, "GOBIN": str(program.parent)}
        subprocess.run(["go", "install", MODULE], env=told, check=True)
    return program


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """The server's address; its bucket is there."""
    (folder / BUCKET).mkdir()
    address = f"127.0.0.1:{free_port()}"
    told = {"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET, "PATH": os.environ["PATH"]}
    command = [str(server()), "--port", address, "posix", str(folder)]
    process = await asyncio.create_subprocess_exec(
        *command, env=told, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await asyncio.wait_for(_answers(address), START_SECONDS_MAX)
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def _answers(address: str) -> None:
    host, _, port = address.partition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


async def proof(door: BillingDoor, database: Database, settings: BillingSettings) -> bool:
    """A right key writes; a wrong one is refused, tried again, and said."""
    worker = Worker(door, settings)
    await put_lines(database, 5)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        async with serving(folder) as endpoint:
            target = {"kind": "s3", "endpoint": endpoint, "region": "us-east-1",
                      "bucket": BUCKET, "access_key_id": ACCESS, "prefix": "inbox"}  # fmt: skip
            right = await subscribed(door, {**target, "secret_access_key": SECRET})
            wrong = await subscribed(door, {**target, "secret_access_key": "another"})
            await worker.at(NOW)
            states = [(await shown(door, one))["state"] for one in (right, wrong)]
            tell(f"test writes: {states}, {(await shown(door, wrong))['last_error']}")
            await worker.at(NOON)
            (good,), (bad,) = [await delivered(door, one) for one in (right, wrong)]
            tell(f"delivered {good['files']}; refused: {bad['error']}")
            files = [p for p in (folder / BUCKET / "inbox").rglob("*") if p.is_file()]
            archive = files[0].read_bytes()
        await worker.at(NOON + timedelta(days=1))  # the server is gone
        late = [one["tries"] for one in await delivered(door, right)]
    whole = [len(rows) for rows in members(archive).values()] == [6]
    held = (states, good["state"], bad["tries"], bad["state"], len(files)) == (
        ["active", "failing"], "delivered", 1, "waiting", 1,
    )  # fmt: skip
    return whole and held and sorted(late) == [0, 1]


if __name__ == "__main__":
    told = {
        "encryption_keys": SecretStr(ENCRYPTION_KEYS),
        "delivery_networks": "127.0.0.0/8",
    }
    sys.exit(prove(proof, **told))
