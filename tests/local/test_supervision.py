"""The configuration that supervisord gets."""

import configparser
from pathlib import Path

import pytest

from local.credentials import make_credentials
from local.layout import SOCKET_PATH_BYTES_MAX, Layout
from local.ports import CHOSEN
from local.services import SERVICES
from local.stack import Stack, assemble
from local.supervision import render_config


def stack(run: Path) -> Stack:
    """A system that is never started."""
    ports = {name: 20_000 + number for number, name in enumerate(("gateway", *CHOSEN))}
    return assemble(Layout(run), ports, make_credentials())


def parsed(config: str) -> configparser.ConfigParser:
    """As supervisord reads it, without its expansions."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(config)
    return parser


def test_each_service_gets_its_own_port_and_those_of_its_peers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    system = stack(tmp_path)
    config = parsed(render_config(system, []))
    for service in SERVICES:
        told = config[f"program:{service.name}"]["environment"]
        assert f'PORT="{system.ports[service.name]}"' in told
        assert f'OPS_PORT="{system.ports[service.ops]}"' in told
        assert f'ORDER_URL="http://127.0.0.1:{system.ports["order"]}"' in told
        assert ("ADMIN_TOKEN" in told) == (service.name == "gateway")


@pytest.mark.parametrize(("upstream", "told"), [(None, "true"), ("http://x.example", "false")])
def test_what_runs_here_is_a_sandbox_unless_another_is_the_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: str | None, told: str
) -> None:
    """Break: say always that it is one."""
    monkeypatch.delenv("UPSTREAM_URL", raising=False)
    if upstream:
        monkeypatch.setenv("UPSTREAM_URL", upstream)
    config = parsed(render_config(stack(tmp_path), []))
    assert f'SANDBOX="{told}"' in config["program:order"]["environment"]


def test_servers_named_by_the_environment_replace_the_embedded_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:p%40ss@db.example:5432/")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092")
    config = parsed(render_config(stack(tmp_path), []))
    assert not config.has_section("program:postgres")
    assert not config.has_section("program:kafka")
    told = config["program:order"]["environment"]
    assert 'DATABASE_URL="postgresql://user:p%%40ss@db.example:5432"' in told
    assert 'KAFKA_BOOTSTRAP_SERVERS="kafka.example:9092"' in told


def test_a_setting_that_would_break_out_of_its_quotes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_URL", 'http://x",ADMIN_TOKEN="mine')
    with pytest.raises(ValueError, match="quotes"):
        render_config(stack(tmp_path), [])


def test_the_socket_of_a_deep_checkout_moves_to_a_short_path(tmp_path: Path) -> None:
    deep = Layout(tmp_path / ("deep" * 30) / ".run")
    assert len(bytes(deep.supervisor_socket)) <= SOCKET_PATH_BYTES_MAX
    assert deep.supervisor_socket != Layout(tmp_path / "other" / ".run").supervisor_socket
    assert Layout(Path("/srv/channelbus/.run")).supervisor_socket.parent.name == ".run"
