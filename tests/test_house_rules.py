"""The house rules run: here on this checkout, and each on a tree with a planted breach.

The rules are in `tests/house/`; their messages say what to do instead.
"""

from collections.abc import Callable, Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.house import (
    clock_rules,
    code_rules,
    fact_rules,
    file_rules,
    import_rules,
    migration_rules,
    page_rules,
)
from tests.house.checkout import Checkout

Rule = Callable[[Checkout], Iterable[str]]

README = "\n".join(f"**{heading.capitalize()}** is said." for heading in file_rules.README_SAYS)
DECISION = "# Paying\n\n" + "".join(
    f"## {heading}\n\n`tests/order/test_pay_order.py`\n\n" for heading in page_rules.DECISION_SAYS
)
# Spelt in parts, so that this file keeps the rules itself.
WHY = "docs/why" + ".md"
RULES_PAGE = "docs/domain/orders" + ".md"
FOLDER, PAYING = "docs/decisions/", "0001-paying" + ".md"
SOUND = {
    "libs/contracts/pyproject.toml": '[project]\ndependencies = ["pydantic>=2"]\n',
    "libs/contracts/contracts/order.py": "from pydantic import BaseModel\n",
    "libs/chassis/pyproject.toml": '[project]\ndependencies = ["contracts", "fastapi"]\n',
    "libs/chassis/chassis/app.py": "import fastapi\nfrom contracts.order import OrderPaid\n"
    "broker.subscriber('order', ack_policy=AckPolicy.MANUAL)\n",
    code_rules.METRICS: "SENT = Counter('channelbus_sent_total')\n",
    "libs/chassis/chassis/relay.py": "SENT.labels(name).inc(2)\n",
    "tests/chassis/__init__.py": "",
    "tests/chassis/test_relay.py": "import chassis.relay\nassert count(SENT) == 2\n",
    "services/order/pyproject.toml": '[project]\ndependencies = ["chassis"]\n',
    "services/order/README.md": README,
    "services/order/order/api.py": "from fastapi import APIRouter\nfrom chassis.app import x\n"
    "now = datetime.now(UTC)\n",
    "services/order/order/pay_order.py": "from chassis import outbox\n"
    "async def pay_order(session, now):\n    outbox.publish(session, 1)\n",
    "services/billing/pyproject.toml": '[project]\ndependencies = ["chassis", "contracts"]\n',
    "services/billing/README.md": README,
    "services/billing/billing/consumers.py": "import chassis.app, contracts.order\n",
    "services/order/order/migrations/versions/0001_first.py": 'revision = "0001"\n'
    'down_revision = None\nop.execute("CREATE TABLE a (b int)")'
    '\nop.execute("CREATE INDEX a_by_b ON a (b)")\nbuild_index(op, "by_c", "large (c)")\n',
    "ARCHITECTURE.md": "[order](services/order/README.md): `order/pay_order.py`\n",
    "tests/order/__init__.py": "",
    "tests/order/test_pay_order.py": "import order.pay_order\n",
    "libs/contracts/README.md": "The events.\n",
    "libs/chassis/README.md": "What every service stands on.\n",
    RULES_PAGE: '<a id="b-5"></a>\n## B.5 Order\n',
    "docs/decisions/README.md": f"| [0001]({PAYING}) | Paying |\n",
    f"{FOLDER}{PAYING}": DECISION,
    "services/order/order/list_orders.py": f"x = 6  # {RULES_PAGE} B.5, decision 0001\n",
}
PAY_ORDER = "services/order/order/pay_order.py"
CONTRACTS = (
    "class Event:\n    event_id: str\n    version: int\n"
    "class OrderEvent(Event):\n    KEY: ClassVar[str] = 'order_id'\n    order_id: str\n"
    "class OrderPaid(OrderEvent):\n    amount: int = 0\n"
)
FACTS = (
    "from contracts.order import OrderEvent, OrderPaid\n"
    "Fact = TypeVar('Fact', bound=OrderEvent)\n"
    "def fact(kind: type[Fact], order, **own):\n"
    "    return kind(version=order.version, order_id=order.id, **own)\n"
    "def paid(order):\n    return fact(OrderPaid, order, amount=order.amount)\n"
)
VERSION = "services/order/order/migrations/versions/0001_first.py"

# Spelt in parts, so that this file keeps the rules itself.
HOST = "https://" + "py" + "pi.org/simple"
HOME = "/" + "home/ada/channelbus"
LATER = "# TO" + "DO: think\n"
PAYS = '@router.post("/v3/orders/customer-orders/pay")\nasync def pay():\n'
EXCUSE = "import pytest\n@pytest.mark." + "skip\ndef test_x(): ...\n"
UNDONE = "raise NotImplemented" + "Error\n"


def _stating(facts: str, pay: str = "") -> dict[str, str | None]:
    """A tree that states events."""
    return {
        "libs/contracts/contracts/order.py": CONTRACTS,
        "services/order/order/facts.py": facts,
        PAY_ORDER: pay,
    }


def _door(route: str, router: str = "Router()") -> dict[str, str | None]:
    """A tree with one door."""
    door = f"router = {router}\n{route}\nasync def f():\n    ...\n"
    return {"services/order/order/api.py": door}


PLANTED: dict[Rule, list[tuple[dict[str, str | None], str]]] = {
    import_rules.services_import_only_themselves_and_libraries: [
        ({PAY_ORDER: "from billing.models import Account\n"}, "imports the service billing"),
        ({PAY_ORDER: "def f():\n    import billing\n"}, "act on its events instead"),
        ({PAY_ORDER: "from testkit.servers import x\n"}, "images lack it"),
    ],
    import_rules.libraries_keep_their_layers: [
        ({"libs/chassis/chassis/x.py": "import order.models\n"}, "imports order"),
        ({"libs/contracts/contracts/x.py": "import chassis\n"}, "nothing of ours"),
    ],
    import_rules.only_doors_know_the_frameworks: [
        ({PAY_ORDER: "from fastapi import HTTPException\n"}, "only api.py, consumers.py"),
        ({PAY_ORDER: "import starlette.requests\n"}, "raise a RefusedError"),
    ],
    import_rules.subjects_keep_their_directions: [
        (
            {
                "services/order/order/orders/place_order.py": "from order.payments import pay\n",
                "services/order/order/payments/pay.py": "import order.orders.models\n",
            },
            "place_order.py:1 imports payments; orders stands not above it",
        ),
        (
            {
                "services/billing/billing/bills/show.py": "from billing import exports\n",
                "services/billing/billing/exports/write.py": "",
            },
            "imports exports",
        ),
    ],
    import_rules.imports_are_absolute: [
        ({PAY_ORDER: "from .models import Order\n"}, "write the whole name"),
        ({"tests/order/test_x.py": "from . import builders\n"}, "imports relatively"),
    ],
    import_rules.schema_history_imports_no_models: [
        (
            {"services/order/order/migrations/versions/0001.py": "from order.models import X\n"},
            "write out what this version does",
        ),
    ],
    import_rules.services_speak_to_kafka_by_the_chassis: [
        ({PAY_ORDER: "from aiokafka import AIOKafkaProducer\n"}, "chassis.outbox.publish"),
        ({PAY_ORDER: "from faststream.kafka import KafkaBroker\n"}, "faststream.kafka"),
    ],
    import_rules.declared_dependencies_match_imports: [
        ({PAY_ORDER: "import chassis, numpy\n"}, "add numpy to services/order"),
        ({PAY_ORDER: "import chassis, contracts\n"}, "add contracts to services/order"),
        (
            {"services/billing/billing/consumers.py": "import contracts\n"},
            "billing/pyproject.toml declares chassis, which nothing of it imports",
        ),
    ],
    migration_rules.indexes_are_built_beside_writers: [
        ({VERSION: 'op.execute("CREATE INDEX x ON large (c)")\n'}, "use chassis.build_indexes"),
        ({VERSION: 'op.execute(f"CREATE UNIQUE INDEX x ON {t} (c)")\n'}, "by hand"),
        ({VERSION: 'op.create_index("x", "large", ["c"])\n'}, "by hand"),
        ({VERSION: 'op.execute("DROP INDEX IF EXISTS x")\n'}, "by hand"),
        ({VERSION.replace(".py", ".sql"): "CREATE INDEX x ON large (c);\n"}, "0001_first.sql"),
    ],
    migration_rules.versions_stand_in_one_row: [
        ({VERSION.replace("first", "other"): 'revision = "0001"\ndown_revision = None\n'}, "0002"),
        ({VERSION.replace("0001", "0002"): 'revision = "0002"\ndown_revision = None\n'}, "0001"),
        ({VERSION: 'revision = "0002"\ndown_revision = None\n'}, "the next free number"),
    ],
    code_rules.nobody_commits_by_hand: [
        ({PAY_ORDER: "async def f(s):\n    await s.commit()\n"}, "flush for ids"),
        ({PAY_ORDER: "async def f(s):\n    await s.rollback()\n"}, "raise to roll back"),
    ],
    code_rules.events_leave_by_the_outbox: [
        ({PAY_ORDER: "broker.publish(1)\n"}, "broker.publish; state events by"),
        ({PAY_ORDER: "self.producer.send_and_wait(1)\n"}, "send_and_wait"),
        ({PAY_ORDER: "publish(session, 1)\n"}, "calls publish; state events by"),
    ],
    code_rules.use_cases_write_the_audit: [
        (
            {"services/order/order/api.py": "audit.record(session, p, 'pay', 'o', now)\n"},
            "api.py:1",
        ),
    ],
    code_rules.doors_say_their_operation: [
        (
            {"services/order/order/api.py": f'{PAYS}    """Pay: pay_orders."""\n'},
            "api.py:2 begin the docstring of pay with pay_orders",
        ),
        ({"services/order/order/api.py": f'{PAYS}    """pay_orders_now."""\n'}, "api.py:2"),
        ({"services/order/order/api.py": f"{PAYS}    ...\n"}, "api.py:2"),
    ],
    code_rules.native_doors_name_their_answer: [
        (_door('@router.get("/api/quotas")'), "give f a response_model"),
        (_door('@router.get("")', 'Router(prefix="/api/events")'), "give f a response_model"),
    ],
    code_rules.use_cases_take_the_time_as_an_argument: [
        ({PAY_ORDER: "x = datetime.now(UTC)\n"}, "take `now: datetime`"),
        ({PAY_ORDER: "x = datetime.datetime.now()\n"}, "asks the clock"),
        ({PAY_ORDER: "x = date.today()\n"}, "asks the clock"),
        ({PAY_ORDER: "x = clock.wall_now()\n"}, "asks the clock"),
    ],
    clock_rules.the_wall_is_asked_where_it_is_meant: [
        ({PAY_ORDER: "x = row.expire_at < func.now()\n"}, "say in THE_WALL why"),
        ({PAY_ORDER: 'x = text("UPDATE orders SET closed_at = now()")\n'}, "business_now"),
    ],
    code_rules.subscribers_acknowledge_after_their_work: [
        ({"libs/chassis/chassis/x.py": "b.subscriber('order')\n"}, "AckPolicy.MANUAL"),
        (
            {"services/order/order/api.py": "b.subscriber('x', ack_policy=AckPolicy.ACK_FIRST)\n"},
            "never before",
        ),
    ],
    code_rules.parts_are_found_by_their_type: [
        ({PAY_ORDER: "def f(request):\n    return request.app.state.clock\n"}, "app.state"),
        ({PAY_ORDER: "def f(app):\n    app.state.x = 1\n"}, "a field of its Parts"),
        ({PAY_ORDER: "def f(request):\n    state = request.app\n"}, "request.app"),
        ({PAY_ORDER: "def f(request):\n    request.state.x = 1\n"}, "request.state"),
        ({PAY_ORDER: "def f(scope):\n    return request.scope['app'].y\n"}, "CurrentParts"),
        ({"tests/order/test_pay_order.py": "import order.pay_order\napp.state.x\n"}, "app.state"),
    ],
    code_rules.answers_name_what_they_show: [
        ({PAY_ORDER: "N = [c.name for c in Order.__table__.c if c.name not in X]\n"}, "name the"),
        (
            {PAY_ORDER: "def f(o):\n    return {c.key: 1 for c in o.__table__.columns}\n"},
            "name the",
        ),
        ({PAY_ORDER: "def f(o):\n    return vars(o)\n"}, "NativeAnswer"),
        ({PAY_ORDER: "def f(o):\n    return dict(o.__dict__)\n"}, "NativeAnswer"),
        ({PAY_ORDER: "def f(row):\n    return row._asdict()\n"}, "written out"),
    ],
    code_rules.metrics_are_moved_and_tested: [
        ({"libs/chassis/chassis/relay.py": "x = SENT.labels(name)\n"}, "nothing moves SENT"),
        ({"tests/chassis/test_relay.py": "from x import SENT\n"}, "no test in tests/chassis"),
        ({"tests/chassis/test_relay.py": "SENT.set(0)\n"}, "show it move"),
    ],
    code_rules.audit_actions_are_subject_and_verb: [
        ({PAY_ORDER: "audit.record(session, who, 'pay_order', 'o1', now)\n"}, "'order.pay'"),
    ],
    code_rules.shared_refusals_are_the_chassiss: [
        ({PAY_ORDER: 'class XError(RefusedError):\n    code = "CHB.0002"\n'}, "STANDALONE"),
        ({PAY_ORDER: 'raise RefusedError(code="CBC.99000037")\n'}, "tenancy.acted_for"),
    ],
    code_rules.modules_have_names_that_say_something: [
        ({"services/order/order/utils.py": ""}, "utils says nothing"),
        ({"services/order/order/service.py": ""}, "verb_noun"),
        ({"libs/chassis/chassis/helpers/x.py": ""}, "helpers says nothing"),
    ],
    code_rules.nothing_is_left_for_later: [
        ({PAY_ORDER: LATER}, "promises work"),
        ({"tests/order/test_x.py": EXCUSE}, "excuses a test"),
        ({PAY_ORDER: UNDONE}, "is unfinished"),
    ],
    fact_rules.facts_are_spelled: [
        (_stating(FACTS.replace("order_id=order.id, ", "")), "OrderEvent's order_id"),
        (_stating(FACTS.replace(", amount=order.amount", "")), "OrderPaid's amount"),
        (
            _stating(FACTS.replace("order_id=order.id, **own", "**state(order)")),
            "of **state(order)",
        ),
        (_stating(FACTS.replace("order.amount", "getattr(order, 'amount')")), "spell each of them"),
        (
            _stating(FACTS, "from contracts.order import OrderPaid\nOrderPaid(amount=1)\n"),
            "let a function of facts.py make it",
        ),
        (
            _stating(
                FACTS,
                "from contracts.order import OrderPaid\nfrom order.facts import fact\n"
                "def pay(order):\n    return fact(OrderPaid, order)\n",
            ),
            "pay_order.py:4 says nothing of OrderPaid's amount",
        ),
    ],
    file_rules.files_stay_short: [
        ({PAY_ORDER: "x = 1\n" * 401}, "has 401 lines"),
    ],
    file_rules.each_service_says_what_it_is: [
        ({"services/order/README.md": None}, "README.md is missing"),
        (
            {"services/order/README.md": README.replace("**Does not own**", "Also")},
            "no heading 'does not own'",
        ),
        ({"services/order/README.md": README + "\n" * 80}, "one screen"),
    ],
    file_rules.no_file_names_a_registry_or_a_machine: [
        ({"deploy/Dockerfile": f"RUN pip install -i {HOST} x\n"}, "names the registry"),
        ({"pip.conf": "index-" + "url = https://mirror.example/simple\n"}, "registry"),
        ({"deploy/run.sh": f"cd {HOME}\n"}, "path of one machine"),
    ],
    file_rules.each_test_folder_is_a_package: [
        ({"tests/billing/test_x.py": ""}, "has no __init__.py"),
    ],
    page_rules.pages_name_files_that_exist: [
        ({"README.md": f"See [why]({WHY}).\n"}, f"links to {WHY}"),
        ({"README.md": "Open `order/pay_bill.py`.\n"}, "names order/pay_bill.py"),
    ],
    page_rules.references_lead_somewhere: [
        ({PAY_ORDER: f'"""Pay ({WHY})."""\n'}, f"refers to {WHY}"),
        ({"pyproject.toml": f"# {WHY}\n"}, f"refers to {WHY}"),
        ({"libs/wire/x.json": f'{{"rule": "{WHY}"}}\n'}, f"refers to {WHY}"),
        ({PAY_ORDER: f"x = 1  # {RULES_PAGE} B.5, B.{50}\n"}, "which docs/domain"),
        ({PAY_ORDER: f"x = 1  # {RULES_PAGE} F15.{9}\n"}, "refers to F15"),
        ({PAY_ORDER: f"x = 1  # as F{99}.1 says\n"}, "which no page of"),
        ({PAY_ORDER: '"""Pay (decision ' + '0404)."""\n'}, "there is none"),
    ],
    page_rules.prose_lines_are_short: [
        ({"README.md": "word " * 21 + "\n"}, "README.md:1 has 105 columns"),
        ({"README.md": "```\ncode\n```\n" + "word " * 21 + "\n"}, "README.md:4"),
    ],
    page_rules.readmes_are_read: [
        ({"libs/contracts/README.md": None}, "libs/contracts/README.md is missing"),
        ({"services/order/README.md": "word " * 601}, "has 601 words"),
    ],
    page_rules.decisions_are_held: [
        ({f"{FOLDER}0002-x.md": DECISION}, "is not in docs/decisions/README.md"),
        ({f"{FOLDER}0001-x.md": DECISION}, f"has the number of {FOLDER}0001-"),
        ({f"{FOLDER}x.md": DECISION}, "has no number"),
        (
            {f"{FOLDER}{PAYING}": DECISION.replace("## Alternatives\n", "")},
            "no heading '## Alternatives'",
        ),
        (
            {f"{FOLDER}{PAYING}": DECISION.replace("test_pay", "test_play")},
            "names no test that is there",
        ),
        ({f"{FOLDER}{PAYING}": f"{DECISION}`tests/order/test_play.py`\n"}, "names no test"),
    ],
}
RULES = list(PLANTED)  # a rule that was never seen to fail is none
EXCUSED = (file_rules.excuses_for_long_files_are_used, clock_rules.wall_is_excused_where_asked)


def _name(rule: object) -> str:
    return getattr(rule, "__name__", str(rule))


@pytest.fixture(scope="module")
def this_checkout() -> Checkout:
    """The files of this repository."""
    return Checkout.of_git(Path(__file__).parents[1])


@pytest.mark.parametrize("rule", [*RULES, *EXCUSED], ids=_name)
def test_this_checkout_keeps(rule: Rule, this_checkout: Checkout) -> None:
    """Every rule, with all breaches listed at once."""
    breaches = list(rule(this_checkout))
    assert not breaches, "\n" + "\n".join(breaches)


def test_the_rules_see_the_members(this_checkout: Checkout) -> None:
    """A rule that sees no files finds no breaches."""
    names = {member.name for member in this_checkout.members}
    assert {"contracts", "wire", "chassis", "customer-sync", "order", "gateway"} <= names
    assert all(this_checkout.package_files(member) for member in this_checkout.members)


def test_a_sound_statement_of_an_event_is_none(tmp_path: Path) -> None:
    """So that what the planted breaches of facts show is theirs."""
    assert list(fact_rules.facts_are_spelled(_plant(tmp_path, _stating(FACTS)))) == []


def test_no_circle_stands_in_the_table_of_subjects() -> None:
    """Two rooms that import each other are one room with two doors."""
    for below in import_rules.SUBJECTS.values():
        TopologicalSorter(below).prepare()


def _plant(root: Path, files: dict[str, str | None]) -> Checkout:
    """The sound tree with these files instead; None takes one away."""
    for path, content in {**SOUND, **files}.items():
        if content is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content, "utf-8")
    return Checkout.of_folder(root)


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_a_sound_tree_keeps(rule: Rule, tmp_path: Path) -> None:
    """So that what the planted breaches show is theirs."""
    assert list(rule(_plant(tmp_path, {}))) == []


@pytest.mark.parametrize(
    ("rule", "files", "expected"),
    [(rule, *plant) for rule, plants in PLANTED.items() for plant in plants],
    ids=[f"{_name(rule)}-{n}" for rule, plants in PLANTED.items() for n in range(len(plants))],
)
def test_a_planted_breach_is_found(
    rule: Rule, files: dict[str, str | None], expected: str, tmp_path: Path
) -> None:
    """Where it is, and what to do instead."""
    breaches = list(rule(_plant(tmp_path, files)))
    assert any(expected in breach for breach in breaches), breaches


def test_an_excuse_that_nobody_needs_is_found(tmp_path: Path) -> None:
    """The sound tree has no long files at all, and nobody in it asks the wall."""
    sound = _plant(tmp_path, {})
    assert len(list(EXCUSED[0](sound))) == len(file_rules.LONG_FILES)
    assert len(list(EXCUSED[1](sound))) == len(clock_rules.THE_WALL)
