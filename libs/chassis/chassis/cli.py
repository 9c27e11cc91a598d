"""The command that each service installs: `order serve`, `migrate`, `parked`, `positions` …"""

import argparse
import asyncio
import gc
import getpass
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from types import FrameType
from typing import TypeVar

from pydantic import ValidationError

from chassis import audit, logs
from chassis.clock import wall_now
from chassis.database import Database
from chassis.decisions import list_decisions
from chassis.errors import RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from chassis.listener import Server, listening_as
from chassis.move_position import accept_position, list_positions, step_over_position
from chassis.parts import Parts, ServiceApp
from chassis.peer_tls import CertificateUnusableError, server_tls
from chassis.release import Desk, list_parked
from chassis.secret_files import SecretFileError
from chassis.settings import ServiceSettings

log = logs.get_logger(__name__)

S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[S], ServiceApp[Parts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb of one service's own, which needs neither its database nor the bus."""

    name: str
    words: str  # for the list of verbs
    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, datetime], int]  # by the wall; its exit status


_ABOUT_REBUILDING = """\
Asks the owners of what this service copies to state it again, and waits until it was heard; the
service goes on serving. Killed or interrupted, it goes on where it stood when it is called again.

  gateway         the read model and the directory of principals; rows of the read model that no
                  owner has stated are removed, and what was changed is counted
  order, voucher, billing, customer-sync
                  their copies of others' things; nothing is removed
  partner         copies nothing

The service must be running; the settings are those of `serve`.
"""


def main(service: str, settings_class: type[S], build: Build[S], *own: Verb) -> None:
    """Parse the command line and run; `service` is the package's name."""
    arguments = _parser(service, own).parse_args()
    for verb in own:
        if arguments.verb == verb.name:
            sys.exit(verb.run(arguments, wall_now()))
    if arguments.verb == "migrate":
        # The common settings name the database; what the service keeps secret is not asked for.
        common = _read(ServiceSettings, service)
        _migrate(service, common.database_of(service), arguments.print_roles)
        return
    settings = _read(settings_class, service)
    match arguments.verb:
        case "serve":
            serve(service, settings, build)
        case "audit":
            sys.exit(asyncio.run(_verify_audit(service, settings)))
        case "rebuild":
            sys.exit(_rebuild(build(settings)))
        case "parked":
            sys.exit(asyncio.run(_parked(service, build(settings), arguments)))
        case "positions":
            sys.exit(asyncio.run(_positions(service, settings, arguments)))


def _read(kind: type[S], service: str) -> S:
    """The settings, or the end of the process with a line that names each that is wrong."""
    try:
        return kind()
    except (ValidationError, SecretFileError) as error:
        logs.configure(service, "INFO")
        log.critical("refused to start", why=_why(error))
        sys.exit(1)


def _why(error: ValidationError | SecretFileError) -> str:
    """Without what was given: it may be a secret."""
    if isinstance(error, SecretFileError):
        return str(error)
    found = error.errors(include_url=False, include_context=False, include_input=False)
    said = (
        (".".join(map(str, one["loc"])).upper(), one["msg"].removeprefix("Value error, "))
        for one in found
    )
    return "; ".join(f"{name}: {message}" if name else message for name, message in said)


def _parser(service: str, own: Sequence[Verb]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=service.replace("_", "-"))
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("serve", help="answer requests and act on events until stopped")
    migrating = verbs.add_parser(
        "migrate", help="create the database when missing and bring it up to date"
    )
    migrating.add_argument(
        "--print-roles",
        action="store_true",
        help="only print what a superuser runs beforehand, where the login may make no roles",
    )
    verbs.add_parser("audit", help="verify the audit log's chain; exit 1 when it is broken")
    verbs.add_parser(
        "rebuild",
        help="rebuild what this service copies of others, while it serves",
        description=_ABOUT_REBUILDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parked = verbs.add_parser(
        "parked", help="list, replay, edit or skip parked events; say who decided"
    )
    deeds = parked.add_subparsers(dest="deed", required=True)
    deeds.add_parser("list", help="the parked keys, oldest first")
    replay = deeds.add_parser("replay", help="handle a key's events in order")
    for name in ("consumer", "stream", "key"):
        replay.add_argument(name)
    replay.add_argument("--reason")
    replay_all = deeds.add_parser("replay-all", help="handle every key's events, or some keys'")
    replay_all.add_argument("--consumer", help="of this consumer alone")
    replay_all.add_argument("--error", help="whose error holds this text alone")
    replay_all.add_argument("--reason")
    deeds.add_parser("decisions", help="who decided what, when and why, the newest first")
    edit = deeds.add_parser("edit", help="give an event another body, read from standard input")
    skip = deeds.add_parser("skip", help="leave an event out for good")
    for deed in (edit, skip):
        deed.add_argument("id", type=int)
        deed.add_argument("--reason", required=True)
    positions = verbs.add_parser("positions", help="list positions, accept or step over one")
    deeds = positions.add_subparsers(dest="deed", required=True)
    deeds.add_parser("list", help="each position beside what its topic holds")
    accept = deeds.add_parser("accept", help="go on at the topic's beginning, as it is now")
    for name in ("consumer", "topic"):
        accept.add_argument(name)
    accept.add_argument("partition", type=int)
    step_over = deeds.add_parser(
        "step-over", help="leave out the one offset at which a consumer stands"
    )
    step_over.add_argument("stream")
    step_over.add_argument("partition", type=int)
    step_over.add_argument("offset", type=int)
    step_over.add_argument("--consumer", help="where the service has several of the stream")
    for deed in (accept, step_over):
        deed.add_argument("--reason", required=True)
    for verb in own:
        verb.add_arguments(
            verbs.add_parser(
                verb.name,
                help=verb.words,
                description=verb.about,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return parser


def _migrate(service: str, database_url: str, print_roles: bool) -> None:
    from chassis.migrations import migrate  # alembic: only migrating needs it
    from chassis.roles import ForeignOwnerError, RightsMissingError, roles_script

    try:
        if print_roles:
            print(roles_script(database_url), end="")
        else:
            migrate(service, database_url)
    except (RightsMissingError, ForeignOwnerError, DatabaseAwayError, ValueError) as error:
        sys.exit(str(error))


def serve(service: str, settings: S, build: Build[S]) -> None:
    """Run the service in this process until it is told to stop."""
    logs.configure(service, settings.log_level)
    release = version(service.replace("_", "-"))
    log.info("starting", version=release, pid=os.getpid(), role=settings.role)
    app = build(settings)
    # What was made so far lives as long as the process. A full collection would walk through it for
    # a tenth of a second, while every request and event waits.
    gc.collect()
    gc.freeze()
    try:
        tls = server_tls(settings)
    except CertificateUnusableError as error:
        log.critical("refused to start", why=str(error))
        sys.exit(1)
    listening = listening_as(
        app,
        tls,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        timeout_graceful_shutdown=settings.answer_seconds,
    )
    ops = listening_as(
        app.ops,
        tls,
        host=settings.host,
        port=settings.ops_port,
        lifespan="off",
        date_header=False,
        timeout_graceful_shutdown=1,
    )

    def told_again(number: int, _frame: FrameType | None) -> None:
        """Uvicorn raises the signal anew when it has ended: here it has done as it was told."""
        if not app.running.ending:  # it had not begun to serve: nothing is to be given up
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(signal.SIGTERM, told_again)

    def ending() -> None:
        app.running.end()
        threading.Thread(target=_end_late, args=(settings.shutdown_seconds,), daemon=True).start()

    server = Server(listening, ops, ending, settings.drain_seconds)
    server.run(sockets=None if settings.serves else [])
    log.info("stopped", version=release)
    if app.running.failed:
        sys.exit(1)


def _end_late(seconds: float) -> None:
    """What has not ended by itself until then: leases and sessions end by their time."""
    time.sleep(seconds)
    log.critical("ended before it had stopped", shutdown_seconds=seconds)
    os._exit(1)


async def _verify_audit(service: str, settings: ServiceSettings) -> int:
    database = Database(settings, service)
    try:
        broken = await audit.verify(database)
    finally:
        await database.close()
    print(broken or "the audit log's chain holds")
    return 1 if broken else 0


def _rebuild(app: ServiceApp[Parts]) -> int:
    from chassis.rebuild_run import rebuild  # its Kafka client: only rebuilding needs it here

    try:
        return asyncio.run(rebuild(app.parts, app.running, lambda line: print(line, flush=True)))
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130


async def _positions(service: str, settings: ServiceSettings, arguments: argparse.Namespace) -> int:
    database = Database(settings, service)
    try:
        if arguments.deed == "list":
            for listed in await list_positions(settings, database):
                print(json.dumps(listed, default=str, ensure_ascii=False))
            return 0
        given = {**vars(arguments)}
        verb, deed = given.pop("verb"), given.pop("deed")
        assert verb == "positions"
        move = accept_position if deed == "accept" else step_over_position
        position = await move(settings, database, _operator(), wall_now(), **given)
        print(f"{service}: goes on at {position}, within a look of its consumer")
    except RefusedError as refusal:
        print(refusal.message("en_us"), file=sys.stderr)
        return 1
    finally:
        await database.close()
    return 0


def _operator() -> Principal:
    return Principal(id=getpass.getuser(), kind="administrator", partner_id="*", caller="cli")


async def _parked(service: str, app: ServiceApp[Parts], arguments: argparse.Namespace) -> int:
    database = app.parts.database
    desk = Desk(app.running.consumers, database, _operator(), wall_now())
    try:
        match arguments.deed:
            case "list":
                async with database.transaction() as session:
                    for key in await list_parked(session):
                        print(json.dumps(key, default=str, ensure_ascii=False))
            case "decisions":
                async with database.transaction() as session:
                    for decision in await list_decisions(session):
                        print(json.dumps(decision, default=str, ensure_ascii=False))
            case "replay":
                where = (arguments.consumer, arguments.stream, arguments.key)
                done = await desk.replay(*where, arguments.reason)
                print(f"{service}: {done} events replayed, the key flows again")
            case "replay-all":
                which = (arguments.consumer, arguments.error)
                all_of = await desk.replay_all(*which, arguments.reason)
                print(f"{service}: {all_of.events} events replayed, {all_of.keys} keys flow again,")
                print(f"{service}: {all_of.still_failing} keys fail again and stay parked")
                return 1 if all_of.still_failing else 0
            case "edit":
                await desk.edit(arguments.id, sys.stdin.buffer.read(), arguments.reason)
            case "skip":
                await desk.skip(arguments.id, arguments.reason)
    except RefusedError as refusal:
        print(refusal.message("en_us"), file=sys.stderr)
        return 1
    finally:
        await database.close()
    return 0
