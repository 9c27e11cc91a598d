"""The house rules run: here on this checkout, and each on a tree with a planted breach.

The rules are in `tests/house/`; their messages say what to do instead.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.house import code_rules, file_rules, import_rules, migration_rules, page_rules
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
    "services/order/order/migrations/versions/0001_first.py": 'op.execute("CREATE TABLE a (b int)")'
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
VERSION = "services/order/order/migrations/versions/0001_first.py"

# Spelt in parts, so that this file keeps the rules itself.
HOST = "https://" + "py" + "pi.org/simple"
HOME = "/" + "home/ada/channelbus"
LATER = "# TO" + "DO: think\n"
EXCUSE = "import pytest\n@pytest.mark." + "skip\ndef test_x(): ...\n"
UNDONE = "raise NotImplemented" + "Error\n"

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
    code_rules.nobody_commits_by_hand: [
        ({PAY_ORDER: "async def f(s):\n    await s.commit()\n"}, "flush for ids"),
        ({PAY_ORDER: "async def f(s):\n    await s.rollback()\n"}, "raise to roll back"),
    ],
    code_rules.events_leave_by_the_outbox: [
        ({PAY_ORDER: "broker.publish(1)\n"}, "broker.publish; state events by"),
        ({PAY_ORDER: "self.producer.send_and_wait(1)\n"}, "send_and_wait"),
    ],
    code_rules.use_cases_take_the_time_as_an_argument: [
        ({PAY_ORDER: "x = datetime.now(UTC)\n"}, "take `now: datetime`"),
        ({PAY_ORDER: "x = datetime.datetime.now()\n"}, "asks the clock"),
        ({PAY_ORDER: "x = date.today()\n"}, "asks the clock"),
        ({PAY_ORDER: "x = clock.utc_now()\n"}, "asks the clock"),
    ],
    code_rules.subscribers_acknowledge_after_their_work: [
        ({"libs/chassis/chassis/x.py": "b.subscriber('order')\n"}, "AckPolicy.MANUAL"),
        (
            {"services/order/order/api.py": "b.subscriber('x', ack_policy=AckPolicy.ACK_FIRST)\n"},
            "never before",
        ),
    ],
    code_rules.metrics_are_moved_and_tested: [
        ({"libs/chassis/chassis/relay.py": "x = SENT.labels(name)\n"}, "nothing moves SENT"),
        ({"tests/chassis/test_relay.py": "from x import SENT\n"}, "no test in tests/chassis"),
        ({"tests/chassis/test_relay.py": "SENT.set(0)\n"}, "show it move"),
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
        ({PAY_ORDER: f"x = 1  # {RULES_PAGE} B.5, B.50\n"}, "refers to B.50, which docs/domain"),
        ({PAY_ORDER: f"x = 1  # {RULES_PAGE} F15.9\n"}, "refers to F15.9"),
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
        (
            {f"{FOLDER}{PAYING}": DECISION.replace("## Alternatives\n", "")},
            "no heading '## Alternatives'",
        ),
        (
            {f"{FOLDER}{PAYING}": DECISION.replace("test_pay", "test_play")},
            "names no test that is there",
        ),
    ],
}
RULES = list(PLANTED)  # a rule that was never seen to fail is none


def _name(rule: object) -> str:
    return getattr(rule, "__name__", str(rule))


@pytest.fixture(scope="module")
def this_checkout() -> Checkout:
    """The files of this repository."""
    return Checkout.of_git(Path(__file__).parents[1])


@pytest.mark.parametrize("rule", [*RULES, file_rules.excuses_for_long_files_are_used], ids=_name)
def test_this_checkout_keeps(rule: Rule, this_checkout: Checkout) -> None:
    """Every rule, with all breaches listed at once."""
    breaches = list(rule(this_checkout))
    assert not breaches, "\n" + "\n".join(breaches)


def test_the_rules_see_the_members(this_checkout: Checkout) -> None:
    """A rule that sees no files finds no breaches."""
    names = {member.name for member in this_checkout.members}
    assert {"contracts", "wire", "chassis", "customer-sync", "order", "gateway"} <= names
    assert all(this_checkout.package_files(member) for member in this_checkout.members)


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
    """The sound tree has no long files at all."""
    breaches = list(file_rules.excuses_for_long_files_are_used(_plant(tmp_path, {})))
    assert len(breaches) == len(file_rules.LONG_FILES)
