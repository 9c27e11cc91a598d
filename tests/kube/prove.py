"""The chart on a real Kubernetes: installed, upgraded under load, hurt, rolled back, removed.

Each step prints what it measured and ends the run when what it shows does not hold.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.flows import deeds
from tests.flows.cast import Caller, Stage, eventually
from tests.kube import images
from tests.kube.cluster import say, until
from tests.kube.load import under_load
from tests.kube.outside import Outside
from tests.kube.policies import look_at_policies
from tests.kube.release import NAMESPACE, Release, is_ready
from tests.kube.sizes import look_at_idle, look_while_asked
from tests.kube.stands import Stands

MIXED_SECONDS = 60
CHANGED_SECONDS_MAX = 600
COMPLETED = 5  # an order's status
INSTALLED = 1  # the release's first revision
APART = ("gateway", "order")
WORKS_APART = "channelbus/serves=false"
LEFT = {  # by Kubernetes, and what was made by hand
    "configmap/kube-root-ca.crt",
    "serviceaccount/default",
    "secret/channelbus-database",
    "secret/channelbus-keys",
}


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say how long it took, and how busy the machine was at its end."""
    started = time.monotonic()
    say(f"… {what}")
    yield
    say(f"  {what}: {time.monotonic() - started:.0f} s, load {os.getloadavg()[0]:.0f}")


@dataclass(frozen=True)
class Proof:
    """What the steps work on, and who asks while they do."""

    release: Release
    outside: Outside
    outage_seconds: int
    stands: Stands
    file: Path

    @property
    def stage(self) -> Stage:
        """The administrator."""
        return self.release.stage()

    def people(self) -> tuple[Caller, deeds.Customer]:
        """A partner and its customer, made once."""
        if not (self.stands.partner and self.stands.customer):
            self.stands.partner = self.stage.partner()
            self.stands.customer = deeds.create_customer(self.stage, self.stands.partner)
            self.stands.write(self.file)
        return self.stands.partner, self.stands.customer

    def under_load(self, change: Callable[[], None], *, losses: bool = False) -> None:
        """Change something while clients ask, and say what they met."""
        partner, customer = self.people()
        with under_load(self.stage, partner, customer.id, losses=losses) as seen:
            change()
        say(f"  {seen}")

    def story(self) -> None:
        """Told by a customer of its own."""
        partner, _ = self.people()
        tell_the_story(self.stage, partner, deeds.create_customer(self.stage, partner))

    def sizes(self) -> None:
        """Idle, then asked."""
        look_at_idle(self.release, self.outside)
        self.under_load(lambda: look_while_asked(self.release, self.outside))

    def uninstall(self) -> None:
        """It leaves nothing but what it must."""
        left = {name for name in self.release.uninstall() if not name.startswith("endpoints")}
        assert left == LEFT, f"left in {NAMESPACE}: {sorted(left)}"


def _loaded(change: Callable[[Release], None], *, losses: bool = False) -> Callable[[Proof], None]:
    return lambda proof: proof.under_load(lambda: change(proof.release), losses=losses)


def _lose(proof: Proof) -> None:
    lose_the_database(proof.release, proof.outside, proof.outage_seconds)


# By the name that `--from` and `--to` take, in their order: each begins as the one before left it.
def steps() -> dict[str, tuple[str, Callable[[Proof], None]]]:
    """What each is called, and does."""
    story = "the story by the vendor's SDK, through the gateway's Service"
    return {
        "install": ("install, until all is ready", lambda of: of.release.install(images.TAG)),
        "test": ("helm test", lambda of: say(f"  {len(of.release.test())} characters said")),
        "story": (story, Proof.story),
        "policies": (
            "policies: who reaches whom",
            lambda of: look_at_policies(of.release, of.outside),
        ),
        "sizes": ("what each replica takes", Proof.sizes),
        "upgrade": ("upgrade with a migration, both versions side by side", _loaded(upgrade)),
        "apart": ("requests and work of two services apart", _loaded(take_apart)),
        "single": ("gateway and order by one replica each, started anew", _loaded(roll_single)),
        "scale": ("order by three replicas, by one, by two", _loaded(scale)),
        "together": ("requests and work together again", _loaded(put_together)),
        "kill": ("each pod killed without notice", _loaded(kill_each, losses=True)),
        "evict": ("an eviction that the budget refuses", _loaded(evict)),
        "outage": ("PostgreSQL away", _lose),
        "story-after": ("the story again", Proof.story),
        "rollback": ("rollback", _loaded(roll_back)),
        "story-before": ("the story by the version before, on the newer schema", Proof.story),
        "uninstall": ("uninstall", Proof.uninstall),
    }


def prove(proof: Proof, first: str, last: str) -> None:
    """The steps from the first to the last.

    Raises:
        AssertionError: something that is to hold does not; the text says what was seen.
    """
    names = list(steps())
    for name in names[names.index(first) : names.index(last) + 1]:
        what, do = steps()[name]
        with step(f"[{name}] {what}"):
            do(proof)


def tell_the_story(stage: Stage, partner: Caller, customer: deeds.Customer) -> None:
    """Money, coupon, order and payment; customer 360 hears of all of it."""
    deeds.transfer(partner, customer.id, "2000.00")
    coupon = deeds.issue_coupon(partner, stage.quota(partner.domain_id), customer.id, "30.00")
    stage.authorize(partner, customer.caller)
    order_id = str(deeds.place_order(partner, customer.id)["order_id"])
    deeds.pay(customer.caller, order_id, coupon)

    def page() -> tuple[list[str], list[str]]:
        seen = partner.get(f"/api/customers/{customer.id}")
        paid = [one["amount"] for one in seen["orders"] if one["status"] == COMPLETED]
        return paid, [one["balance"] for one in seen["balances"]]

    # A month of the machine costs 128.80, of which the coupon pays 30.00.
    eventually(page, lambda seen: seen == (["128.80"], ["1901.20"]))


def upgrade(release: Release) -> None:
    """Migrate, then both versions answer for a minute, then the new one alone."""
    release.upgrade(images.NEXT_TAG, wait=False)
    order = f"deployment/{release.workload('order')}"
    is_there = partial(_ready_with, release, images.NEXT_TAG)
    until("a pod of the new version", is_there, CHANGED_SECONDS_MAX)
    release.kubectl("rollout", "pause", order)
    tags = {_tag(pod) for pod in release.pods("channelbus/service=order")}
    assert tags == {images.TAG, images.NEXT_TAG}, f"only {tags} answered: nothing was mixed"
    time.sleep(MIXED_SECONDS)  # the minute is what is shown
    release.kubectl("rollout", "resume", order)
    release.wait_until_ready(CHANGED_SECONDS_MAX)


def roll_back(release: Release) -> None:
    """The version before comes back pod by pod, and its migration leaves the newer schema alone."""
    release.roll_back(INSTALLED)
    release.wait_until_ready(CHANGED_SECONDS_MAX)
    tags = {_tag(pod) for pod in release.pods()}
    assert tags == {images.TAG}, f"{tags} answer after a rollback"
    migrated = "app.kubernetes.io/component=migrate"
    release.kubectl("wait", "--for=condition=Complete", "job", "-l", migrated, "--timeout=300s")
    told = release.kubectl("logs", "-l", migrated, "-c", "order", "--tail=-1")
    assert "the schema is newer than this release: left as it is" in told, told


def _ready_with(release: Release, tag: str) -> bool:
    pods = release.pods("channelbus/service=order")
    return any(_tag(pod) == tag and is_ready(pod) for pod in pods)


def _tag(pod: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    return pod["spec"]["containers"][0]["image"].rpartition(":")[2]


def take_apart(release: Release) -> None:
    """What answers keeps its name, and its pods take turns; what works has pods of its own."""
    apart: dict[str, Any] = {name: {"split": True} for name in APART}
    release.upgrade(images.NEXT_TAG, wait=True, **apart)
    release.wait_until_ready(CHANGED_SECONDS_MAX)
    works = {pod["metadata"]["labels"]["channelbus/service"] for pod in release.pods(WORKS_APART)}
    assert works == set(APART), f"work is apart of {works}"
    for name in APART:
        for workload in (name, f"{name}-worker"):
            release.kubectl("rollout", "restart", f"deployment/{release.workload(workload)}")
    release.wait_until_ready(CHANGED_SECONDS_MAX)


def put_together(release: Release) -> None:
    """The workers end, and who answers works as well."""
    release.upgrade(images.NEXT_TAG)
    release.wait_until_ready(CHANGED_SECONDS_MAX)
    until("the end of the workers", lambda: not release.pods(WORKS_APART))


def roll_single(release: Release) -> None:
    """One pod each: the next one is ready before it is told to end."""
    names = [f"deployment/{release.workload(name)}" for name in APART]
    release.kubectl("scale", *names, "--replicas=1")
    release.wait_until_ready(CHANGED_SECONDS_MAX)
    release.kubectl("rollout", "restart", *names)
    release.wait_until_ready(CHANGED_SECONDS_MAX)
    release.kubectl("scale", *names, "--replicas=2")
    release.wait_until_ready(CHANGED_SECONDS_MAX)


def scale(release: Release) -> None:
    """The partitions of a group go to other pods each time; two again in the end."""
    worker = f"deployment/{release.workload('order-worker')}"
    for replicas in (3, 1, 2):
        for workload in (f"deployment/{release.workload('order')}", worker):
            release.kubectl("scale", workload, f"--replicas={replicas}")
        release.wait_until_ready(CHANGED_SECONDS_MAX)


def kill_each(release: Release) -> None:
    """`kubectl delete pod --force` of each; all is whole again before the next two.

    Two of different services, so that each service goes on by the pod that it has left.
    """
    by_service: dict[str, list[str]] = {}
    for pod in release.pods():
        names = by_service.setdefault(pod["metadata"]["labels"]["channelbus/service"], [])
        names.append(pod["metadata"]["name"])
    for turn in zip(*by_service.values(), strict=True):
        for two in zip(turn[::2], turn[1::2], strict=True):
            release.kubectl("delete", "pod", *two, "--force", "--grace-period=0")
            release.wait_until_ready(CHANGED_SECONDS_MAX)


def evict(release: Release) -> None:
    """One pod of a workload may be asked to leave, not the second one at the same time."""
    first, second = [pod["metadata"]["name"] for pod in release.pods("channelbus/service=billing")]
    _evict(release, first)
    refused = ""
    try:
        _evict(release, second)
    except RuntimeError as refusal:
        refused = str(refusal)
    assert "disruption budget" in refused, f"the second eviction was not refused: {refused}"
    release.wait_until_ready(CHANGED_SECONDS_MAX)


def _evict(release: Release, pod: str) -> None:
    eviction = (
        '{"apiVersion": "policy/v1", "kind": "Eviction",'
        f' "metadata": {{"name": "{pod}", "namespace": "{NAMESPACE}"}}}}'
    )
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    release.cluster.kubectl("create", "--raw", path, "-f", "-", text=eviction)


def lose_the_database(release: Release, outside: Outside, seconds: int) -> None:
    """No pod is started again for it, and all are ready again by themselves."""
    before = release.restarts()
    with outside.without_database():
        until(
            "pods that say that they are not ready", lambda: not any(map(is_ready, release.pods()))
        )
        time.sleep(seconds)  # how long it is away is what is shown
    back = time.monotonic()
    until("ready pods", lambda: all(map(is_ready, release.pods())), 120)
    say(f"  away for {seconds} s; ready {time.monotonic() - back:.0f} s after it was back")
    assert release.restarts() == before, f"{release.restarts() - before} restarts"


def next_migration(folder: Path, head: str) -> Path:
    """A migration of order after its newest: a column that the old version does not know."""
    number = f"{int(head) + 1:04}"
    written = folder / f"{number}_next_version.py"
    written.write_text(
        '"""A column of the next version."""\n\n'
        "from alembic import op\n\n"
        f'revision = "{number}"\ndown_revision = "{head}"\n'
        "branch_labels = None\ndepends_on = None\n\n\n"
        "def upgrade() -> None:\n"
        '    """Go forward."""\n'
        '    op.execute("ALTER TABLE orders ADD COLUMN next_version text")\n'
    )
    return written
