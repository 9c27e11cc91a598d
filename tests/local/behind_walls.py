"""Inside a company's walls: no network but its mirror, certified by its own authority.

Run by `test_company_walls.py` in network and mount namespaces of its own, as their root:
`python -m tests.local.behind_walls FOLDER`. It prints what came of each attempt, as JSON.
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from install.company import system_store, told_to_pip
from install.places import InstallationError
from install.uv import environment, uv
from testkit.embedded import jars

WHEEL = "company_wheel-1.0-py3-none-any.whl"
JAR = jars.LockedJar("org.company", "tool", "1.0", hashlib.sha256(b"a jar").hexdigest())
USERNAME, PASSWORD = "reader", "p@ss"


def main(folder: Path) -> None:
    """Set the scene and try each of the ways out."""
    run("ip", "link", "set", "lo", "up")
    store = system_store()
    assert store
    certify(folder)
    address = serve(folder)
    configure(folder / "home", address)
    told = {"before": attempt(partial(installed, folder / "before"))}
    bundle = folder / "store.pem"
    bundle.write_text(Path(store).read_text() + (folder / "ca.pem").read_text())
    run("mount", "--bind", str(bundle), store)
    told["uv"] = attempt(partial(installed, folder / "by_uv"))
    told["pip"] = attempt(partial(installed_by_pip, folder / "by_pip"))
    (folder / "jars").mkdir()
    told["jar"] = attempt(lambda: jars._fetch_one(JAR, folder / "jars", folder / "jars"))
    sys.stdout.write(json.dumps(told))


def run(*command: str) -> None:
    """A program that must succeed."""
    subprocess.run(command, check=True, capture_output=True)


def attempt(what: object) -> str:
    """Empty when it succeeds, else the sentence."""
    try:
        what()  # type: ignore[operator]
    except (InstallationError, RuntimeError) as failure:
        return str(failure)
    return ""


def installed(target: Path) -> None:
    """The wheel, by uv as an installation calls it."""
    uv("pip", "install", "-q", "--no-cache", "--target", str(target), "company-wheel==1.0")
    assert (target / "company_wheel.py").exists()


def installed_by_pip(target: Path) -> None:
    """The same by the pip of a fresh environment, which is how uv itself comes."""
    run(sys.executable, "-m", "venv", str(target))
    command = [str(target / "bin" / "pip"), "install", "-q", "--no-cache-dir", "company-wheel==1.0"]
    told = {**os.environ, **told_to_pip(environment())}
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def certify(folder: Path) -> None:
    """An authority, and the mirror's certificate by it."""
    request = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    ca = (str(folder / "ca.key"), str(folder / "ca.pem"))
    run(*request, "-x509", "-days", "2", "-subj", "/CN=Company", "-keyout", ca[0], "-out", ca[1])
    key, asked, signed = (str(folder / f"mirror.{end}") for end in ("key", "csr", "pem"))
    run(*request, "-subj", "/CN=mirror", "-keyout", key, "-out", asked)
    (folder / "mirror.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    run("openssl", "x509", "-req", "-in", asked, "-CA", ca[1], "-CAkey", ca[0], "-days", "2",
        "-CAcreateserial", "-extfile", str(folder / "mirror.ext"), "-out", signed)  # fmt: skip


class _Mirror(SimpleHTTPRequestHandler):
    """Files; those of Maven only for whoever signs in."""

    def do_GET(self) -> None:
        login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        known = self.headers.get("Authorization") == f"Basic {login}"
        if self.path.startswith("/maven/") and not known:
            self.send_error(401)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Silent."""


def serve(folder: Path) -> str:
    """The mirror's address."""
    root = folder / "mirror"
    page, jar = root / "simple" / "company-wheel", root / "maven" / "org/company/tool/1.0"
    page.mkdir(parents=True)
    jar.mkdir(parents=True)
    make_wheel(page / WHEEL)
    (page / "index.html").write_text(f'<a href="{WHEEL}">{WHEEL}</a>')
    (jar / JAR.file_name).write_bytes(b"a jar")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Mirror, directory=str(root)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "mirror.pem", folder / "mirror.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://127.0.0.1:{server.server_port}"


def make_wheel(path: Path) -> None:
    """A package of one empty module."""
    about = "company_wheel-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("company_wheel.py", "")
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: company-wheel\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def configure(home: Path, address: str) -> None:
    """What the company told pip and Maven, and nobody uv."""
    (home / ".config" / "pip").mkdir(parents=True)
    index = f"{address}/simple"
    (home / ".config" / "pip" / "pip.conf").write_text(f"[global]\nindex-url = {index}\n")
    (home / ".m2").mkdir()
    (home / ".m2" / "settings.xml").write_text(
        f"""<settings xmlns="urn:any">
        <servers><server><id>corp</id><username>{USERNAME}</username>
        <password>${{env.CORP_PASSWORD}}</password></server></servers>
        <mirrors><mirror><id>corp</id><mirrorOf>*</mirrorOf><url>{address}/maven</url></mirror>
        </mirrors></settings>"""
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
