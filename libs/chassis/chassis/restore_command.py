"""`channelbus-restore check` and `repair`: after a restore, before any service is started."""

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaConnectionError
from sqlalchemy.dialects.postgresql import insert

from chassis import audit
from chassis.clock import wall_now
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from chassis.restored import Boundary, Findings, LostFact, NotRestoredError, look
from chassis.settings import ServiceSettings
from chassis.tables import InboxRow

WELL, UNDECIDED, IMPOSSIBLE = 0, 1, 2  # what the command exits with
FACTS_SHOWN = 50
ROWS_AT_ONCE = 1000
ALL = "all"

_ABOUT = """\
Holds the restored databases of all services against Kafka, before any of them is started.

  check    says which facts Kafka holds that their restored owner does not know, who would act on
           each, and whether a position fits its topic; writes what it saw into the kept file.
           Exits with 0 when services may start, 1 when something is to be decided, 2 when the
           databases are of different instants or the question cannot be answered
  repair   carries out a decision on lost facts: consumers leave them out. Then start the services
           and run `rebuild` of each, so that copies take what their owners say now

Settings are those of the services: DATABASE_URL, DATABASE_PREFIX, KAFKA_BOOTSTRAP_SERVERS …
"""


def main() -> None:
    """Parse the command line and run."""
    arguments = _parser().parse_args()
    kept: Path = arguments.kept
    settings = ServiceSettings()
    try:
        if arguments.verb == "check":
            sys.exit(_check(settings, kept))
        sys.exit(_repair(settings, kept, arguments.leave_out, arguments.reason))
    except (NotRestoredError, DatabaseAwayError, KafkaConnectionError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(IMPOSSIBLE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="channelbus-restore",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="say what is lost; changes nothing")
    repair = verbs.add_parser("repair", help="leave lost facts out, with a reason")
    for verb in (check, repair):
        verb.add_argument(
            "--kept",
            type=Path,
            default=Path("channelbus-restore.json"),
            help="the file of the first look (channelbus-restore.json); remove it at a new restore",
        )
    repair.add_argument(
        "--leave-out", required=True, metavar="IDS", help="ids of events by comma, or: all"
    )
    repair.add_argument("--reason", required=True, help="it stands in every audit log")
    return parser


def _check(settings: ServiceSettings, kept: Path) -> int:
    findings = asyncio.run(look(settings, _boundary(kept)))
    kept.write_text(json.dumps(findings.as_json(), indent=1))
    _tell(findings)
    if findings.ahead:
        return IMPOSSIBLE
    return WELL if findings.is_well else UNDECIDED


def _boundary(kept: Path) -> Boundary | None:
    """What the first look saw; None when this is the first."""
    if not kept.exists():
        return None
    told = json.loads(kept.read_text())["boundary"]
    ends = {
        stream: {int(partition): end for partition, end in by_partition.items()}
        for stream, by_partition in told["ends"].items()
    }
    return Boundary(told["next_transactions"], ends)


def _tell(findings: Findings) -> None:
    for stream, count in findings.read.items():
        again = findings.sent_again[stream]
        _say(f"{stream}: {count} events read; {again} wait in the outbox and are in Kafka already")
    for owner, count in findings.undated.items():
        if count:
            _say(f"{owner}: {count} events carry no transaction (an earlier release stated them)")
    for alarm in findings.alarms:
        _say(f"POSITION {alarm}")
    for fact in findings.lost[:FACTS_SHOWN]:
        _say(_line(fact))
    if len(findings.lost) > FACTS_SHOWN:
        _say(f"… and {len(findings.lost) - FACTS_SHOWN} more: the kept file has all of them")
    if findings.ahead:
        facts = findings.ahead
        consumers = sorted({name for fact in facts for name in fact.acted_on_by})
        owners = sorted({fact.stream for fact in facts})
        _say(
            f"DIFFERENT INSTANTS: {', '.join(consumers)} acted on {len(facts)} facts of"
            f" {', '.join(owners)} that their owner does not know. Restore all databases to one"
            " instant; nothing is repaired by guessing."
        )
    elif findings.undecided:
        _say(f"{len(findings.undecided)} lost facts are to be decided: channelbus-restore repair")
    elif findings.is_well:
        _say("Nothing is lost. Turn autovacuum on again and start the services.")


def _line(fact: LostFact) -> str:
    said = f"LOST {fact.event_id} {fact.event_type} {fact.subject} of {fact.time}"
    for what, names in (
        ("acted on by", fact.acted_on_by),
        ("would be acted on by", fact.waits_for),
        ("left out by", fact.left_out_by),
    ):
        said += f"; {what} {', '.join(sorted(names))}" if names else ""
    return said


def _repair(settings: ServiceSettings, kept: Path, wanted: str, reason: str) -> int:
    boundary = _boundary(kept)
    if boundary is None:
        raise NotRestoredError(f"There is no {kept}: run `channelbus-restore check` first.")
    findings = asyncio.run(look(settings, boundary))
    if findings.ahead:
        _tell(findings)
        return IMPOSSIBLE
    facts = _wanted(findings, wanted)
    services = {name.partition("/")[0] for fact in facts for name in fact.waits_for}
    for service in sorted(services):
        asyncio.run(_leave_out(settings, service, facts, reason))
    return _check(settings, kept)


def _wanted(findings: Findings, wanted: str) -> list[LostFact]:
    by_id = {fact.event_id: fact for fact in findings.undecided}
    if wanted == ALL:
        return list(by_id.values())
    ids = [one.strip() for one in wanted.split(",")]
    if strangers := [one for one in ids if one not in by_id]:
        raise NotRestoredError(f"Not lost, or decided already: {', '.join(strangers)}.")
    return [by_id[one] for one in ids]


async def _leave_out(
    settings: ServiceSettings, service: str, facts: Sequence[LostFact], reason: str
) -> None:
    """In the inbox as if they had come: one transaction for each database, audited there."""
    waiting = [
        (fact, name.partition("/")[2])
        for fact in facts
        for name in fact.waits_for
        if name.partition("/")[0] == service
    ]
    rows = [{"consumer": consumer, "event_id": fact.event_id} for fact, consumer in waiting]
    database = Database(settings, service)
    who = Principal(id=getpass.getuser(), kind="administrator", partner_id="*", caller="cli")
    try:
        async with database.transaction() as session:
            for first in range(0, len(rows), ROWS_AT_ONCE):
                await session.execute(
                    insert(InboxRow)
                    .values(rows[first : first + ROWS_AT_ONCE])
                    .on_conflict_do_nothing()
                )
            for fact, consumer in waiting:
                audit.record(
                    session, who, "lost_fact.leave_out", fact.event_id, wall_now(),
                    consumer=consumer, type=fact.event_type, about=fact.subject, reason=reason,
                )  # fmt: skip
    finally:
        await database.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
