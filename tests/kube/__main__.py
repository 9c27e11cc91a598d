"""`make kube`: a real Kubernetes of one node on this machine, the chart on it, and its proof."""

import argparse
import shutil
import sys
from pathlib import Path

from testkit.embedded.jars import CHECKOUT
from testkit.system import SERVICES
from tests.kube import images, programs, prove
from tests.kube.cluster import Cluster, NotReadyError, say
from tests.kube.outside import outside
from tests.kube.release import Release
from tests.kube.stands import Stands

FOLDER = Path("/var/tmp/channelbus-kube")
ORDER_MIGRATIONS = CHECKOUT / "services/order/order/migrations/versions"


def main() -> None:
    """Build what is missing, prove, and leave nothing that runs unless it is told to."""
    names = list(prove.steps())
    parser = argparse.ArgumentParser(prog="make kube", description=__doc__)
    parser.add_argument("verb", nargs="?", choices=["prove", "build", "down"], default="prove")
    parser.add_argument("--outage", type=int, default=600, help="seconds without PostgreSQL (600)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"what it writes ({FOLDER})")
    parser.add_argument(
        "--from", dest="first", choices=names, default=names[0],
        help="go on at this step, on the cluster that --keep left",
    )  # fmt: skip
    parser.add_argument("--to", dest="last", choices=names, default=names[-1], help="the last step")
    parser.add_argument(
        "--keep", action="store_true",
        help="leave the cluster to a later --from; `down` takes it away",
    )  # fmt: skip
    told = parser.parse_args()
    if names.index(told.first) > names.index(told.last):
        parser.error("--to stands before --from")
    try:
        programs.look_first()
        _do(told)
    except (programs.NotHereError, NotReadyError, AssertionError) as failure:
        sys.exit(str(failure))


def _do(told: argparse.Namespace) -> None:
    folder = told.folder
    cluster = Cluster(folder / "cluster", programs.kept_in())
    file = folder / "stands.json"
    if told.verb == "down":
        cluster.stop()
        shutil.rmtree(folder / "outside", ignore_errors=True)
        file.unlink(missing_ok=True)
        return
    say("Kubernetes, Helm and CoreDNS: built once, some ten minutes")
    programs.build()
    go_on = told.first != next(iter(prove.steps()))
    stands = Stands.read(file) if go_on else Stands.anew()
    archives = [] if go_on else _images(folder)
    if told.verb == "build":
        return
    if not go_on:
        cluster.stop()  # what a run before left
        stands.write(file)
    try:
        with prove.step("a node that is ready"):
            cluster.start()
        for archive in archives:
            cluster.import_image(archive)
        with outside(folder / "outside", stands, go_on=go_on, keep=told.keep) as around:
            release = Release(cluster, around, folder, stands.admin_token)
            try:
                if go_on:
                    with prove.step("all that stood is ready again"):
                        release.wait_until_ready()
                proof = prove.Proof(release, around, told.outage, stands, file)
                prove.prove(proof, told.first, told.last)
            except Exception as failure:
                say(f"{cluster.state()}\n\n{failure}")
                raise
    finally:
        if told.keep:  # its programs end with this process; pods and what is written stay
            say("The cluster is kept: go on by --from, or take it away by `make kube ARGS=down`.")
        else:
            cluster.stop()
            file.unlink(missing_ok=True)
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
