"""`make kube`: a real Kubernetes of one node on this machine, the chart on it, and its proof."""

import argparse
import sys
from pathlib import Path

from testkit.embedded.jars import CHECKOUT
from testkit.system import SERVICES
from tests.kube import images, programs, prove
from tests.kube.cluster import Cluster, NotReadyError, say
from tests.kube.outside import outside
from tests.kube.release import Release

FOLDER = Path("/var/tmp/channelbus-kube")
ORDER_MIGRATIONS = CHECKOUT / "services/order/order/migrations/versions"


def main() -> None:
    """Build what is missing, prove, and leave nothing that runs."""
    parser = argparse.ArgumentParser(prog="make kube", description=__doc__)
    parser.add_argument("verb", nargs="?", choices=["prove", "build", "down"], default="prove")
    parser.add_argument("--outage", type=int, default=600, help="seconds without PostgreSQL (600)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"what it writes ({FOLDER})")
    told = parser.parse_args()
    try:
        programs.look_first()
        _do(told.verb, told.folder, told.outage)
    except (programs.NotHereError, NotReadyError, AssertionError) as failure:
        sys.exit(str(failure))


def _do(verb: str, folder: Path, outage_seconds: int) -> None:
    cluster = Cluster(folder / "cluster", programs.kept_in())
    if verb == "down":
        cluster.stop()
        return
    say("Kubernetes, Helm and CoreDNS: built once, some ten minutes")
    programs.build()
    archives = _images(folder)
    if verb == "build":
        return
    try:
        with prove.step("a node that is ready"):
            cluster.start()
        for archive in archives:
            cluster.import_image(archive)
        with outside(folder / "outside") as around:
            release = Release(cluster, around, folder)
            try:
                prove.prove(release, around, outage_seconds)
            except Exception as failure:
                say(f"{cluster.state()}\n\n{failure}")
                raise
    finally:
        cluster.stop()
    say("All of it holds.")


def _images(folder: Path) -> list[Path]:
    """The archives of this checkout's images and of the next version's."""
    folder.mkdir(parents=True, exist_ok=True)
    revision = programs.run(["git", "rev-parse", "HEAD"], CHECKOUT).strip()
    with images.Engine(folder / "docker").running() as engine:
        images.build(engine, revision)
        for service in SERVICES:
            size, layers = images.size_and_layers(engine, service)
            say(f"  channelbus/{service}: {size / 1e6:.0f} MB in {layers} layers")
        head = max(path.name[:4] for path in ORDER_MIGRATIONS.glob("[0-9]*.py"))
        next_version = folder / "next"
        next_version.mkdir(exist_ok=True)
        images.build_next(engine, prove.next_migration(next_version, head))
        names = [images.image(name, tag) for name in SERVICES
                 for tag in (images.TAG, images.NEXT_TAG)]  # fmt: skip
        archive = folder / "images.tar"
        engine.docker("save", "-o", archive, *names)
    return [archive]


if __name__ == "__main__":
    main()
