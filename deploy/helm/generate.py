"""What the chart takes from elsewhere: `make chart` writes it, a test holds it against its source.

A chart can read no file outside its folder, so the alerts are copied. The table of values is made
of `values.schema.json`, which says what each is, and `values.yaml`, which says its default.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HELM = Path(__file__).parent
CHART = HELM / "channelbus"
ALERTS = HELM.parent / "prometheus" / "alerts.yml"
BEGIN, END = "<!-- values: written by make chart -->\n", "<!-- end of values -->\n"
_ANY_SERVICE = "<service>"


def generated() -> dict[Path, str]:
    """Each file, and what it is to say."""
    page = CHART / "README.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "".join(_table())
    return {
        page: f"{before}{BEGIN}\n{table}\n{END}{after}",
        CHART / "files" / "alerts.yaml": ALERTS.read_text(),
    }


def _table() -> Iterator[str]:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    yield "| value | default | what it is |\n|---|---|---|\n"
    for path, default, said, choices in _leaves("", schema, values):
        shown = json.dumps(default, ensure_ascii=False) if default is not None else ""
        choice = f" One of {', '.join(f'`{one}`' for one in choices if one)}." if choices else ""
        yield f"| `{path}` | {f'`{shown}`' if shown else ''} | {said}{choice} |\n"


def _leaves(path: str, schema: Any, values: Any) -> Iterator[tuple[str, Any, str, list[str]]]:
    """Each value with a description of its own; one service stands for all."""
    for name, part in schema["properties"].items():
        given = values.get(name) if isinstance(values, dict) else None
        inner = f"{path}.{name}" if path else name
        if inner == "services":
            service, its = next(iter(part["properties"].items()))
            yield from _leaves(f"services.{_ANY_SERVICE}", its, values["services"][service])
        elif inner == "image.digests":
            yield f"{inner}.{_ANY_SERVICE}", None, part["description"], []
        elif "properties" in part:
            yield from _leaves(inner, part, given)
        else:
            yield inner, given, part["description"], part.get("enum", [])


def main() -> None:
    """Write all of them."""
    for path, text in generated().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
