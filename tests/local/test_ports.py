"""Which ports a checkout takes, and when it takes others."""

import stat
from pathlib import Path

import pytest

from local.ports import CHOSEN, PortSettingError, PortTakenError, choose_ports, gateway_port


def test_the_ports_of_the_first_start_are_kept(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    first = choose_ports(kept, 18080, free=lambda _port: True)
    assert choose_ports(kept, 18080, free=lambda _port: True) == first
    assert set(first) == {"gateway", *CHOSEN}
    assert len(set(first.values())) == len(first)


def test_a_port_that_somebody_took_is_chosen_anew_and_the_others_stay(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    first = choose_ports(kept, 18080, free=lambda _port: True)
    second = choose_ports(kept, 18080, free=lambda port: port != first["kafka"])
    assert second["kafka"] != first["kafka"]
    assert {**second, "kafka": 0} == {**first, "kafka": 0}


def test_a_port_that_another_start_was_given_meanwhile_is_chosen_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: take what is free unreserved. Both start a server there; one answers for the other."""
    kept = tmp_path / "ports.json"
    first = choose_ports(kept, 18080, free=lambda _port: True)
    monkeypatch.setattr("local.ports.reserve", lambda port: port != first["billing-ops"])
    second = choose_ports(kept, 18080, free=lambda _port: True)
    assert second["billing-ops"] != first["billing-ops"]
    assert {**second, "billing-ops": 0} == {**first, "billing-ops": 0}


def test_a_taken_gateway_port_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    with pytest.raises(PortTakenError, match=r"port 8080 is used.*GATEWAY_PORT="):
        choose_ports(kept, 8080, free=lambda port: port != 8080)
    assert not kept.exists()


def test_the_gateway_port_is_the_given_one_else_the_one_before_else_8080(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    assert gateway_port({}, kept) == 8080
    choose_ports(kept, 18081, free=lambda _port: True)
    assert gateway_port({}, kept) == 18081
    assert gateway_port({"GATEWAY_PORT": "9090"}, kept) == 9090


@pytest.mark.parametrize("given", ["http", "0", "65536", "-1", "80.5"])
def test_a_gateway_port_that_is_no_port_is_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(PortSettingError, match="GATEWAY_PORT"):
        gateway_port({"GATEWAY_PORT": given}, tmp_path / "ports.json")


def test_a_file_of_ports_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    kept.write_text('{"postgres": 2')
    assert choose_ports(kept, 18080, free=lambda _port: True)["postgres"] >= 20_000
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
