"""Where a company keeps its copy of Maven's central repository."""

import os
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

SETTINGS = Path(".m2") / "settings.xml"
_CENTRAL = ("central", "*", "external:*")


def maven_mirror() -> str | None:
    """CHANNELBUS_MAVEN_MIRROR, else the mirror of central in the user's settings of Maven."""
    given = os.environ.get("CHANNELBUS_MAVEN_MIRROR")
    if given:
        return given.rstrip("/")
    settings = Path.home() / SETTINGS
    try:
        root = ElementTree.fromstring(settings.read_text("utf-8"))
    except (OSError, ElementTree.ParseError):
        return None
    for mirror in _parts(root, "mirrors", "mirror"):
        if _mirrors_central(mirror.get("mirrorOf", "")) and mirror.get("url"):
            return _with_login(mirror, _parts(root, "servers", "server"))
    return None


def _mirrors_central(mirrored: str) -> bool:
    names = [name.strip() for name in mirrored.split(",")]
    return "!central" not in names and any(name in _CENTRAL for name in names)


def _with_login(mirror: dict[str, str], servers: list[dict[str, str]]) -> str:
    """The mirror's address; the login is that of the server with the same id."""
    url = mirror["url"].rstrip("/")
    for server in servers:
        if server.get("id") == mirror.get("id") and server.get("username"):
            login = f"{quote(server['username'], '')}:{quote(server.get('password', ''), '')}"
            return url.replace("://", f"://{login}@", 1)
    return url


def _parts(root: ElementTree.Element, group: str, kind: str) -> list[dict[str, str]]:
    """The texts of each element of a group by name; whatever the file's namespace is."""
    return [
        {_name(field): _filled((field.text or "").strip()) for field in element}
        for grouped in root
        if _name(grouped) == group
        for element in grouped
        if _name(element) == kind
    ]


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _filled(text: str) -> str:
    """With `${env.NAME}` as the environment has it."""
    return re.sub(r"\$\{env\.(\w+)\}", lambda found: os.environ.get(found[1], ""), text)
