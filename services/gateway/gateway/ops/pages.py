"""The pages and their live parts, rendered from templates in the reader's language."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chassis.sentences import in_language
from gateway.ops import texts
from gateway.ops.follow_events import Flow
from gateway.ops.watch_services import Snapshot
from wire.codes import code as code_of
from wire.times import BEIJING

PARTS = ("tiles", "parked", "services", "consumers", "refusals", "flow")
HERE = Path(__file__).parent
STATIC = HERE / "static"
SPARK_WIDTH, SPARK_HEIGHT = 180, 36
SHORT_CHARACTERS = 16
GIST_LINES = 3
GIST_CHARACTERS = 300
_TIME = Markup('<time datetime="{0}" title="{0}">{1}</time>')


class Pages:
    """Renders; knows nothing of requests."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(asset=_assets(), spark=spark, meaning=meaning)
        self._templates.filters.update(
            clock=clock,
            moment=moment,
            rate=rate,
            whole=whole,
            short=short,
            gist=gist,
            told=in_language,
        )
        self._parts: dict[str, tuple[tuple[Any, ...], dict[str, str]]] = {}

    def page(self, template: str, language: str, **content: Any) -> str:
        """A whole page."""
        return self._templates.get_template(template).render(**_words(language), **content)

    def parts(self, language: str, snapshot: Snapshot | None, flow: Flow) -> dict[str, str]:
        """The live parts by name; rendered once for all who look in the same language."""
        of = (snapshot, flow)
        kept = self._parts.get(language)
        if kept is not None and kept[0][0] is snapshot and kept[0][1] is flow:
            return kept[1]
        names = ("flow",) if snapshot is None else PARTS
        words = _words(language)
        rendered = {
            name: self._templates.get_template(f"{name}.html").render(
                **words, snapshot=snapshot, flow=flow
            )
            for name in names
        }
        self._parts[language] = (of, rendered)
        return rendered


def clock(instant: datetime) -> Markup:
    """The time of day in Beijing; the instant as a title."""
    return _TIME.format(_iso(instant), instant.astimezone(BEIJING).strftime("%H:%M:%S"))


def moment(instant: datetime | str) -> Markup:
    """Day and time in Beijing; the instant as a title."""
    if isinstance(instant, str):  # as a service wrote it
        instant = datetime.fromisoformat(instant)
    return _TIME.format(_iso(instant), instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"))


def rate(per_second: float | None) -> str:
    """A figure per second; a dash where it is not known yet."""
    if per_second is None:
        return "–"
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


def whole(number: float) -> str:
    """With thousands separated."""
    return f"{number:,.0f}"


def short(identifier: str) -> Markup:
    """Its two ends: ids made at one time begin alike. The whole is the title."""
    if len(identifier) <= SHORT_CHARACTERS:
        return Markup("<code>{0}</code>").format(identifier)
    start, end = identifier[:5], identifier[-8:]
    ends = Markup('<code title="{0}"><span class="spare">{1}</span>…{2}</code>')
    return ends.format(identifier, start, end)


def gist(error: str, language: str) -> str:
    """An error in a few lines, in the reader's language as far as it is sentences."""
    told = in_language(error, language).splitlines()
    return "\n".join(told[:GIST_LINES])[:GIST_CHARACTERS]


def spark(rates: tuple[float, ...]) -> str:
    """The points of a line through the rates, the newest at the right edge."""
    most = max(*rates, 1.0) if rates else 1.0
    step = SPARK_WIDTH / 89
    left = SPARK_WIDTH - step * (len(rates) - 1)
    height = SPARK_HEIGHT - 4
    return " ".join(
        f"{left + i * step:.1f},{SPARK_HEIGHT - 2 - r / most * height:.1f}"
        for i, r in enumerate(rates)
    )


def meaning(language: str, name: str) -> str:
    """What a refusal's code says; nothing for one that has no words here."""
    try:
        known = code_of(name)
    except LookupError:
        return ""
    return known.zh if language == texts.CHINESE else known.en


def _words(language: str) -> dict[str, Any]:
    t: Callable[[str], str] = partial(texts.text, language)
    return {
        "language": language,
        "html_language": "zh-CN" if language == texts.CHINESE else "en",
        "other_language": texts.ENGLISH if language == texts.CHINESE else texts.CHINESE,
        "t": t,
        "age": lambda now, then: texts.age(language, (now - then).total_seconds()),
        "span": partial(texts.age, language),
    }


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _assets() -> Callable[[str], str]:
    """Addresses of static files that change with their content, so that browsers may keep them."""
    found = {
        path.relative_to(STATIC).as_posix(): sha256(path.read_bytes()).hexdigest()[:12]
        for path in STATIC.rglob("*")
        if path.is_file()
    }
    return lambda name: f"/ops/static/{name}?v={found[name]}"
