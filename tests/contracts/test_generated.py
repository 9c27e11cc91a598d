"""What is made from the contracts is committed, and is what the code says now."""

from pathlib import Path
from typing import Any

import pytest

from contracts import STREAMS, asyncapi, contracts
from contracts.event import Event
from contracts.generate import SCHEMAS, accept_baseline, files, write
from contracts.order import OrderPaid
from contracts.schema import schema_of

CHECKOUT = Path(__file__).parents[2]
MADE = files()  # once: making all of them takes a second


@pytest.mark.parametrize("path", MADE, ids=str)
def test_the_committed_file_is_current(path: Path) -> None:
    """Else run `python -m contracts.generate` and read the difference."""
    committed = CHECKOUT / path
    assert committed.exists(), f"{path} is missing: run python -m contracts.generate"
    current = committed.read_text("utf-8") == MADE[path]
    assert current, f"{path} is out of date: run python -m contracts.generate"


def test_no_schema_is_left_of_a_contract_that_is_gone() -> None:
    """The folder holds the schemas of today and nothing else."""
    committed = {path.relative_to(CHECKOUT) for path in (CHECKOUT / SCHEMAS).iterdir()}
    assert committed == {path for path in MADE if path.is_relative_to(SCHEMAS)}


def test_writing_removes_the_schema_of_a_contract_that_is_gone(tmp_path: Path) -> None:
    """And writes all others."""
    stale = tmp_path / SCHEMAS / "order.dreamt.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    write(tmp_path)
    assert not stale.exists()
    assert all((tmp_path / path).read_text("utf-8") == text for path, text in MADE.items())
    assert accept_baseline(tmp_path) == []


def test_a_schema_says_what_the_field_comments_say() -> None:
    """Amounts are texts, what has a default is not required, comments are descriptions."""
    schema = schema_of(OrderPaid)
    assert schema["properties"]["cash_amount"]["type"] == "string"
    assert "paid_at" not in schema["required"]
    assert "cash_amount" in schema["required"]
    assert schema["$defs"]["OrderLine"]["properties"]["charging_mode"]["description"] == (
        "1 period, 3 on-demand"
    )
    assert schema["properties"]["status"]["description"].startswith("1 to be reviewed, ")
    assert schema["x-channelbus"]["key"] == "customer_id"


@pytest.mark.parametrize("hidden", ["event_id", "restated"])
def test_what_travels_in_headers_is_in_no_body(hidden: str) -> None:
    """The envelope says it once."""
    every: list[type[Event]] = [c for s in STREAMS for c in contracts(s).values()]
    assert all(hidden not in schema_of(contract)["properties"] for contract in every)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """A reader's tool would fail on the first that does not."""
    document = asyncapi.document()
    references = _references(document)
    assert "#/components/schemas/OrderLine" in references
    for reference in references:
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, reference
            found = found[step]


def test_every_contract_is_a_message_of_its_stream() -> None:
    """With its key and its body."""
    document = asyncapi.document()
    for stream in STREAMS:
        assert list(document["channels"][stream]["messages"]) == list(contracts(stream))
    message = document["components"]["messages"]["order.paid"]
    assert message["title"] == "OrderPaid"
    assert message["payload"]["properties"]["attempt_id"] == {
        "type": "string",
        "x-audience": "payer",
    }
    assert "customer_id" in message["bindings"]["kafka"]["key"]["description"]


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*(_references(part) for part in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(part) for part in node))
    return set()
