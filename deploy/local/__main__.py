"""`python -m local up|down|status|…`: the embedded system of this checkout."""

import argparse
import signal
import sys
from types import FrameType
from typing import NoReturn

from local.layout import Layout
from local.locking import BusyError, only_one
from local.services import COPYING

_ABOUT = """\
Runs PostgreSQL, Kafka and the six services of this checkout on this machine.
Everything that runs writes below .run/; downloads are kept in the user's cache folder.

  GATEWAY_PORT             where the gateway listens (8080, or what this checkout had before)
  DATABASE_URL             a PostgreSQL server to use in place of the embedded one
  KAFKA_BOOTSTRAP_SERVERS  a Kafka cluster to use in place of the embedded one
  DATABASE_PREFIX, TOPIC_PREFIX   names for several systems on the same servers
  CHANNELBUS_RUN_DIR       a folder in place of .run
  CHANNELBUS_CACHE_DIR     a folder in place of the user's cache folder
  UPSTREAM_URL             connected mode: mirror the Partner Center at this address
  SANDBOX=false            business time may not be moved ahead (true unless UPSTREAM_URL is set)
"""


def main() -> int:
    """Run one verb; 0 when it did what it says."""
    parser = argparse.ArgumentParser(
        prog="local", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start what does not run, load the demo, wait until healthy")
    up.add_argument("--no-demo", action="store_true", help="leave the demo portfolio out")
    verbs.add_parser("down", help="stop everything; no process is left")
    verbs.add_parser("status", help="what runs; exit status 3 when something does not")
    logs = verbs.add_parser("logs", help="follow the logs")
    logs.add_argument("names", nargs="*", help="processes (all when none is named)")
    logs.add_argument("--lines", type=int, default=20, help="lines of each to begin with (20)")
    logs.add_argument("--no-follow", action="store_true", help="print and end")
    reset = verbs.add_parser("reset", help="stop everything and remove all data of this checkout")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    shown = verbs.add_parser("credentials", help="print the secrets: addresses, keys, passwords")
    shown.add_argument("part", nargs="?", help="one of them alone, such as partner.token")
    run = verbs.add_parser("run", help="a service's own command: run order parked list")
    run.add_argument("command", nargs=argparse.REMAINDER)
    anew = verbs.add_parser("rebuild", help="make a service's copies anew while it runs")
    anew.add_argument("service", choices=[service.name for service in COPYING])
    prove = verbs.add_parser("prove-alerts", help="freeze order; a real Prometheus has to tell")
    prove.add_argument("--alert", default="ConsumerBehind", help="which alert (ConsumerBehind)")
    try:
        return _run(parser.parse_args())
    except KeyboardInterrupt:
        print("\nstopped; what was started still runs: `make up` goes on, `make down` ends it")
        return 130
    except _EXPECTED as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    layout = Layout.of_checkout()
    match options.verb:
        case "up":
            return _up(layout, demo=not options.no_demo)
        case "down":
            return _down(layout)
        case "reset":
            from local.reset import reset

            return reset(layout, asked=not options.yes)
        case "status":
            from local.status import show_status

            return 0 if show_status(layout) else 3
        case "logs":
            from local.logs import follow

            follow(layout, options.names, options.lines, keep_following=not options.no_follow)
        case "rebuild":
            from local.run_command import become

            become(layout, [options.service, "rebuild"])
        case "run":
            from local.run_command import become

            become(layout, options.command)
        case "prove-alerts":
            from local.prove_alerts import prove_alerts

            return prove_alerts(layout, options.alert)
        case "credentials":
            from local.credentials_shown import show_credentials

            show_credentials(layout, options.part)
    return 0


def _up(layout: Layout, *, demo: bool) -> int:
    from local.summary import summary
    from local.up import bring_up, load_demo

    signal.signal(signal.SIGTERM, _interrupted)
    with only_one(layout.lock, layout.starting):
        stack = bring_up(layout)
        if demo:
            load_demo(stack)
        print(summary(stack))
    return 0


def _interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
    """`make down` ends a `make up` that is under way as Ctrl-C would."""
    raise KeyboardInterrupt


def _down(layout: Layout) -> int:
    from local.down import bring_down, end_start

    end_start(layout)
    with only_one(layout.lock):
        ran = bring_down(layout)
    print(f"stopped: {', '.join(ran)}" if ran else "nothing was running")
    return 0


_EXPECTED = (BusyError, RuntimeError, OSError, ValueError)

if __name__ == "__main__":
    sys.exit(main())
