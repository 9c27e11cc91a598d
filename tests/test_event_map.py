"""The event map in ARCHITECTURE.md is what the code does, and each event has one that states it."""

from pathlib import Path

import pytest

from contracts.order import OrderCreated, OrderExpired, OrderPaid
from tests.event_map import BEGIN, END, PAGE, ROOT, EventMap, with_table, written_table
from tests.house.checkout import Checkout

KNOWN = {c.__name__: c for c in (OrderCreated, OrderPaid, OrderExpired)}


@pytest.fixture(scope="module")
def event_map() -> EventMap:
    """As this checkout's code says."""
    return EventMap(Checkout.of_git(ROOT))


def test_each_event_has_exactly_one_service_that_states_it(event_map: EventMap) -> None:
    """A contract that nobody states is a promise; one that two state has no owner."""
    assert event_map.breaches() == []


def test_the_map_in_the_architecture_is_what_the_code_does(event_map: EventMap) -> None:
    """Else run `python -m tests.event_map --write`."""
    written = written_table((ROOT / PAGE).read_text("utf-8"))
    assert written == event_map.table(), "run: python -m tests.event_map --write"


def _read(root: Path, files: dict[str, str]) -> EventMap:
    """The map of a small tree in which three services know three events."""
    for name in ("order", "billing", "gateway"):
        (root / f"services/{name}/{name}").mkdir(parents=True)
        (root / f"services/{name}/pyproject.toml").write_text("[project]\n")
    for path, content in files.items():
        (root / "services" / path).write_text(content)
    return EventMap(Checkout.of_folder(root), dict(KNOWN))


@pytest.mark.parametrize(
    "code",
    [
        "from contracts.order import OrderPaid\npublish(s, OrderPaid(a=1))\n",
        "from contracts.order import OrderPaid as Paid\nfact = Paid(a=1)\n",
        "from contracts import order\npublish(s, order.OrderPaid(a=1))\n",
        "import contracts.order\nfact = contracts.order.OrderPaid()\n",
        "from contracts.order import OrderPaid\npublish(s, order_fact(OrderPaid, order, now))\n",
        "from contracts.order import OrderPaid\ndef fact():\n    return OrderPaid\n",
        "from contracts.order import OrderPaid\nFACTS = {'paid': OrderPaid}\n",
    ],
)
def test_a_service_states_what_it_makes(code: str, tmp_path: Path) -> None:
    """By its class, under whatever name, or handed on to what makes it."""
    found = _read(tmp_path, {"order/order/pay_order.py": code})
    assert found.stated_by == {
        "order.created": set(),
        "order.paid": {"order"},
        "order.expired": set(),
    }


@pytest.mark.parametrize(
    "code",
    [
        "from contracts.order import OrderPaid\ndef f(event: OrderPaid) -> OrderPaid: ...\n",
        "from contracts.order import OrderPaid\nif isinstance(event, OrderPaid): ...\n",
        "from contracts.order import OrderPaid\nmatch event:\n    case OrderPaid(): ...\n",
        "from contracts.order import OrderPaid\nconsumers.on(OrderPaid)(handler)\n",
    ],
)
def test_whoever_asks_for_an_event_does_not_state_it(code: str, tmp_path: Path) -> None:
    """Not even the service whose stream it is on."""
    found = _read(tmp_path, {"order/order/keep_copies.py": code})
    assert not any(found.stated_by.values())


def test_a_reader_that_hands_on_anothers_contract_does_not_state_it(tmp_path: Path) -> None:
    """A read model sorts events by their classes."""
    code = "from contracts.order import OrderPaid\nrows = rows_of(events, OrderPaid)\n"
    assert not any(_read(tmp_path, {"gateway/gateway/read.py": code}).stated_by.values())


@pytest.mark.parametrize(
    "code",
    [
        "from contracts.order import OrderPaid\n@consumers.on(OrderPaid)\ndef f(e): ...\n",
        "from contracts import order\n@consumers.on(order.OrderPaid)\ndef f(e): ...\n",
        "from contracts.order import OrderPaid\nfor c in (OrderPaid,):\n    consumers.on(c)(f)\n",
        "from contracts.order import OrderPaid\nSOME = [OrderPaid]\nconsumers.on_batch(*SOME)(f)\n",
    ],
)
def test_a_service_acts_on_what_its_consumers_register(code: str, tmp_path: Path) -> None:
    """One by one, in a loop, or as a batch."""
    found = _read(tmp_path, {"billing/billing/consumers.py": code})
    assert found.acted_on_by["order.paid"] == {"billing"}
    assert not found.acted_on_by["order.created"]
    assert not any(found.stated_by.values())


def test_a_read_model_may_act_on_everything(tmp_path: Path) -> None:
    """By asking for the contracts of every stream."""
    code = (
        "from contracts import STREAMS, contracts\n"
        "EVERY = [c for stream in STREAMS for c in contracts(stream).values()]\n"
        "@consumers.on_batch(*EVERY)\ndef f(events): ...\n"
    )
    found = _read(tmp_path, {"gateway/gateway/consumers.py": code})
    assert all(services == {"gateway"} for services in found.acted_on_by.values())


@pytest.mark.parametrize(
    "code",
    [
        "from contracts.order import OrderEvent\n@consumers.on_each(OrderEvent)\ndef f(e): ...\n",
        "from contracts import order\n@consumers.on_each(order.OrderEvent)\ndef f(e): ...\n",
    ],
)
def test_a_service_acts_on_each_event_of_a_family(code: str, tmp_path: Path) -> None:
    """Those that are added later, too."""
    found = _read(tmp_path, {"billing/billing/consumers.py": code})
    assert all(services == {"billing"} for services in found.acted_on_by.values())


def test_a_copy_that_misses_an_event_of_its_family_is_found(tmp_path: Path) -> None:
    """A new contract would be missed by whoever lists the events one by one."""
    found = _read(
        tmp_path,
        {
            "order/order/place_order.py": "from contracts.order import OrderCreated, OrderPaid,"
            " OrderExpired\nOrderCreated(), OrderPaid(), OrderExpired()\n",
            "billing/billing/keep_copies.py": "from contracts.order import OrderEvent\n"
            "async def keep_order(session, event: OrderEvent): ...\n",
            "billing/billing/consumers.py": "from contracts.order import OrderCreated, OrderPaid\n"
            "@consumers.on(OrderCreated)\ndef f(e): ...\n"
            "@consumers.on(OrderPaid)\ndef g(e): ...\n",
        },
    )
    assert found.breaches() == [
        "billing keeps a copy by OrderEvent and misses order.expired;"
        " register by on_each(OrderEvent)"
    ]


def test_an_event_of_two_services_and_one_of_none_are_found(tmp_path: Path) -> None:
    """Each with what to do."""
    states = "from contracts.order import OrderPaid, OrderCreated\nOrderPaid()\n"
    found = _read(
        tmp_path,
        {
            "order/order/pay_order.py": f"{states}OrderCreated()\n",
            "billing/billing/pay.py": states,
        },
    )
    assert found.breaches() == [
        "order.paid is stated by billing and order; one owns it",
        "order.expired is stated by nobody; state it or remove it",
    ]


def test_the_table_is_put_between_its_marks() -> None:
    """And the rest of the page stays."""
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nmore\n"
    changed = with_table(page, "| new |")
    assert written_table(changed) == "| new |"
    assert changed == f"# Title\n\n{BEGIN}\n| new |\n{END}\n\nmore\n"
    assert written_table("# no marks\n") is None
