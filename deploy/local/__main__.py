"""`python -m local up|down|status|logs|rebuild`: the embedded system of this checkout."""

import argparse
import sys

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
    anew = verbs.add_parser("rebuild", help="make a service's copies anew while it runs")
    anew.add_argument("service", choices=[service.name for service in COPYING])
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
    if options.verb == "status":
        from local.status import show_status

        return 0 if show_status(layout) else 3
    if options.verb == "logs":
        from local.logs import follow

        follow(layout, options.names, options.lines, keep_following=not options.no_follow)
    if options.verb == "rebuild":
        from local.rebuild import rebuild

        rebuild(layout, options.service)
    with only_one(layout.lock):
        return _down(layout) if options.verb == "down" else _up(layout, demo=not options.no_demo)


def _up(layout: Layout, *, demo: bool) -> int:
    from local.summary import summary
    from local.up import bring_up, load_demo

    stack = bring_up(layout)
    if demo:
        load_demo(stack)
    print(summary(stack))
    return 0


def _down(layout: Layout) -> int:
    from local.down import bring_down

    ran = bring_down(layout)
    print(f"stopped: {', '.join(ran)}" if ran else "nothing was running")
    return 0


_EXPECTED = (BusyError, RuntimeError, OSError, ValueError)

if __name__ == "__main__":
    sys.exit(main())
