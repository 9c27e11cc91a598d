"""What a company has told pip: its index and its certificates. uv reads none of it by itself.

Where the user has told uv something, that holds.
"""

import configparser
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's setting → the variable by which uv hears the same.
_TOLD = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
_OLDER_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def told_to_uv(environment: Mapping[str, str]) -> dict[str, str]:
    """What is added to the environment of uv."""
    told = {"UV_SYSTEM_CERTS": "1"} if "UV_NATIVE_TLS" not in environment else {}
    for setting, variable in _TOLD.items():
        value = pip_setting(setting, environment)
        if value and not environment.get(_OLDER_NAMES.get(variable, variable)):
            told[variable] = value
    return {name: value for name, value in told.items() if not environment.get(name)}


def told_to_pip(environment: Mapping[str, str]) -> dict[str, str]:
    """What is added to the environment of the pip that installs uv: it has roots of its own."""
    told = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    index = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    if index:
        told["PIP_INDEX_URL"] = index
    store = system_store()
    if store and not pip_setting("cert", environment):
        told["PIP_CERT"] = store
    return told


def system_store() -> str | None:
    """The file of the certificates that the system trusts; it has what a company added."""
    known = ssl.get_default_verify_paths().cafile
    found = (path for path in (known, *_STORES) if path and Path(path).is_file())
    return next(found, None)


def pip_setting(name: str, environment: Mapping[str, str]) -> str | None:
    """The value that pip would take: its variable, else the last of its files that says it."""
    given = environment.get(f"PIP_{name.upper().replace('-', '_')}")
    if given:
        return given
    value = None
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself says what is wrong with it
        for section in ("global", "install"):
            value = parser.get(section, name, fallback=value)
    return " ".join(value.split()) if value else None


def _pip_files(environment: Mapping[str, str]) -> list[Path]:
    """The files of pip, the stronger later."""
    only = environment.get("PIP_CONFIG_FILE")
    if only == os.devnull:
        return []
    home = Path(environment.get("HOME") or Path.home())
    shared = environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)
    own = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [*(Path(folder) / "pip/pip.conf" for folder in reversed(shared)), Path("/etc/pip.conf")]
    if sys.platform == "darwin":
        files.append(home / "Library/Application Support/pip/pip.conf")
    files += [home / ".pip/pip.conf", own / "pip/pip.conf", Path(sys.prefix) / "pip.conf"]
    return [*files, Path(only)] if only else files
