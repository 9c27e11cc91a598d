"""Databases from templates, and services as real processes."""

import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from testkit.databases import Templates, unique_prefix
from testkit.servers import blocking
from testkit.system import System
from tests.testkit.test_servers import ask

pytestmark = pytest.mark.postgres


def test_a_service_gets_a_migrated_database_of_its_own(service_templates: Templates) -> None:
    first = service_templates.copy("partner", unique_prefix())
    second = service_templates.copy("partner", unique_prefix())
    try:
        server = service_templates.server
        server.execute("CREATE TABLE only_here (n int)", first.name)
        there = "SELECT to_regclass('{}') IS NOT NULL"
        for database, expected in ((first, True), (second, False)):
            url = server.database_url(database.name)
            assert blocking(ask(url, there.format("outbox"))) is True
            assert blocking(ask(url, there.format("only_here"))) is expected
    finally:
        service_templates.drop(first, second)


@pytest.mark.kafka
def test_a_killed_service_stays_away_until_it_is_restarted(
    make_system: Callable[..., System],
) -> None:
    system = make_system(services=["partner"])
    with urllib.request.urlopen(f"{system.ops_url('partner')}/readyz") as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="404"):  # not where requests are answered
        urllib.request.urlopen(f"{system.url('partner')}/readyz")
    system.kill("partner")
    assert not system.is_alive("partner")
    system.restart("partner")
    assert system.is_alive("partner")
    system.close()
    assert not system.is_alive("partner")
