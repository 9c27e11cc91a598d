"""`python -m install`: make `.venv`; with `uv …`, `unpack`, `bundle` or `stop` do that alone."""

import shutil
import subprocess
import sys
from pathlib import Path

from install import bundle
from install.look_first import look_first
from install.places import LOCK, UV_VERSION, VENV, InstallationError, log, members
from install.under_way import stop, under_way
from install.uv import environment, uv


def main(arguments: list[str]) -> int:
    """Do it; a failure is said in a sentence, without a traceback."""
    try:
        if not arguments:
            with under_way():
                make_environment()
        elif arguments[0] == "stop":
            stop()
        elif arguments[0] == "uv":
            uv(*arguments[1:])
        elif arguments[0] == "unpack":
            bundle.unpack(Path(arguments[1]))
        else:
            make_bundle(Path(arguments[1]))
    except (InstallationError, OSError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


def make_environment() -> None:
    """`.venv` exactly as locked."""
    look_first()
    bundle.refuse_foreign()
    log("making .venv as locked")
    uv("venv", "-q", "--allow-existing", "--python", sys.executable, str(VENV))
    uv("pip", "sync", "-q", "--require-hashes", str(LOCK))
    editable = [word for member in members() for word in ("-e", str(member))]
    uv("pip", "install", "-q", "--no-deps", *editable)
    # Compiled once here, not by six services at once.
    subprocess.run([VENV / "bin" / "python", "-c", "import chassis.app"], check=True)


def make_bundle(archive: Path) -> None:
    """Fetch what an installation fetches, and pack it; `.venv` is there already."""
    shutil.rmtree(bundle.FOLDER, ignore_errors=True)
    scratch = bundle.FOLDER.with_name("bundling")
    bundle.WHEELS.mkdir(parents=True)
    log("fetching the wheels")
    uv("venv", "-q", "--clear", "--seed", "--python", sys.executable, str(scratch))
    download = [str(scratch / "bin" / "pip"), "download", "-q", "--disable-pip-version-check"]
    download += ["--only-binary", ":all:", "--no-deps", "-d", str(bundle.WHEELS)]
    for wanted in (["--require-hashes", "-r", str(LOCK)], [f"uv=={UV_VERSION}"]):
        if subprocess.run([*download, *wanted], env=environment(), check=False).returncode != 0:
            raise InstallationError("A wheel was not fetched; what pip said of it stands above.")
    log("fetching Kafka's jars")
    take = "import sys; from testkit.embedded.jars import copy_jars; copy_jars(sys.argv[1])"
    subprocess.run([VENV / "bin" / "python", "-c", take, str(bundle.JARS)], check=True)
    bundle.pack(archive)
    shutil.rmtree(bundle.FOLDER)
    shutil.rmtree(scratch)
    megabytes = archive.stat().st_size / 1e6
    log(f"{archive} ({megabytes:.0f} MB): in another checkout, make up BUNDLE={archive.name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
