"""`billing catalogue`: a file of prices is looked at, compared and put in its place."""

import argparse
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from billing.catalogue_command import CATALOGUE
from billing.prices.catalogue import load_catalogue

COMMITTED = files("billing.prices").joinpath("catalogue.toml").read_text("utf-8")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
OF_S6SMALL = (
    '    { valid_from = 2024-01-01T00:00:00+08:00, currency = "CNY", month = "32.2000000000",'
    ' year = "322.0000000000", hour = "0.0700000000" },\n'
)


@pytest.fixture(autouse=True)
def in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "used.toml"
    path.write_text(COMMITTED, "utf-8")
    monkeypatch.setenv("CATALOGUE_FILE", f"{path}")
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.toml"
    path.write_text(COMMITTED, "utf-8")
    return path


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    CATALOGUE.add_arguments(parser)
    return CATALOGUE.run(parser.parse_args([f"{word}" for word in words]), NOW)


def edit(path: Path, old: str, new: str) -> int:
    """Replace the first of it; its line."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def price_from(day: str, month: str) -> str:
    return (
        f'    {{ valid_from = {day}T00:00:00+08:00, currency = "CNY", month = "{month}",'
        ' hour = "0.08" },\n'
    )


def test_each_fault_is_told_with_its_line(new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of_type = 'resource_type_code = "hws.resource.type.ip"'
    usage = edit(new, of_type, 'resource_type_code = "hws.resource.type.never"')
    product = edit(
        new, 'id = "OFFI-ECS-S6LARGE-L"', 'id = "OFFI-ECS-S6SMALL-L"\nusage_factor = "Weight"'
    )
    tier = edit(new, '{ above = "51200", hour = "0.38', '{ above = "512", hour = "0.38')
    assert run("check", new) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [  # what is wrong in itself comes before what does not fit
        f"{new}:{tier}: products.13.prices.0: Value error, each tier begins above the one before"
    ]
    edit(new, '{ above = "512", hour = "0.38', '{ above = "51200", hour = "0.38')
    assert run("check", new) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == (
        f"{new}:{usage}: usage_types.3.resource_type_code: no resource type hws.resource.type.never"
    )
    assert f"{new}:{product - 1}: products.1: OFFI-ECS-S6SMALL-L stands twice" in told
    weight = "no usage type Weight of hws.resource.type.vm"
    assert f"{new}:{product - 1}: products.1: {weight}" in told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[[regions]]\ncode = "a"\nname = \n', "line 3"),
        ("regions = []\n", "products: Field required"),
        ("regions = 1\nx = 2\n", ":2: x: Extra inputs are not permitted"),
    ],
)
def test_what_is_no_catalogue_is_told_so(
    new: Path, capsys: pytest.CaptureFixture[str], written: str, told: str
) -> None:
    new.write_text(written, "utf-8")
    assert run("check", new) == 2
    assert told in capsys.readouterr().err
    new.write_bytes(b'[[regions]]\ncode = "\xff"\n')
    assert run("compare", new) == 2
    assert capsys.readouterr().err == f"{new}:2: no UTF-8\n"
    assert run("load", new.parent / "never.toml") == 2


def test_a_comparison_names_each_row_and_what_rewrites_the_past(
    new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", new) == 0
    line = edit(new, OF_S6SMALL, OF_S6SMALL + price_from("2027-01-01", "40.00"))
    named = edit(new, '"云硬盘"', '"盘"')
    edited = edit(new, 'month = "128.8000000000"', 'month = "129.8000000000"')
    edit(new, "provisioning_seconds = 1", "provisioning_seconds = 3")
    capsys.readouterr()
    assert run("compare", new) == 1
    shown = capsys.readouterr().out.splitlines()
    since = "2024-01-01T00:00:00+08:00"
    assert shown == [
        f" ~ products OFFI-ECS-S6SMALL-L (line {line - 9}): provisioning_seconds: 1 -> 3",
        f"!~ products prices OFFI-ECS-S6LARGE-L CNY {since} everywhere (line {edited}): "
        "month: 128.8000000000 -> 129.8000000000",
        f" + products prices OFFI-ECS-S6SMALL-L CNY 2027-01-01T00:00:00+08:00 everywhere"
        f" (line {line + 1}): month 40.00, hour 0.08, discount 1",
        f" ~ service_types hws.service.type.ebs (line {named - 2}): name: 云硬盘 -> 盘",
        f"{new} against {new.parent / 'used.toml'}: 4 changes, 1 of them in the past",
    ]
    assert run("compare", new, "--with", new) == 0


def test_a_price_ahead_is_loaded_whole_once_somebody_says_yes(
    new: Path, in_use: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(new, OF_S6SMALL, OF_S6SMALL + price_from("2027-01-01", "40.00"))
    assert run("load", new) == 1
    assert "nobody said yes" in capsys.readouterr().err
    assert in_use.read_text("utf-8") == COMMITTED
    in_use.chmod(0o640)
    assert run("load", new, "--yes") == 0
    assert in_use.read_bytes() == new.read_bytes()
    assert in_use.stat().st_mode & 0o777 == 0o640
    assert len(load_catalogue(in_use).by_id["OFFI-ECS-S6SMALL-L"].prices) == 3
    assert sorted(path.name for path in new.parent.iterdir()) == ["new.toml", "used.toml"]
    assert run("load", new) == 0  # nothing to load


@pytest.mark.parametrize("deed", ["edited", "gone", "of before", "product gone"])
def test_what_rewrites_the_past_is_not_loaded_unless_it_is_meant(
    new: Path, in_use: Path, capsys: pytest.CaptureFixture[str], deed: str
) -> None:
    match deed:
        case "edited":
            edit(new, 'month = "32.2000000000"', 'month = "33.2000000000"')
        case "gone":
            edit(new, OF_S6SMALL, "")
        case "of before":
            edit(new, OF_S6SMALL, OF_S6SMALL + price_from("2025-01-01", "40.00"))
        case _:
            edit(new, 'id = "OFFI-ECS-S6SMALL-L"', 'id = "OFFI-ECS-S6SMALL-N"')
    assert run("load", new, "--yes") == 1
    assert "it rewrites the past" in capsys.readouterr().err
    assert in_use.read_text("utf-8") == COMMITTED
    assert run("load", new, "--yes", "--rewrite-past") == 0
    assert in_use.read_bytes() == new.read_bytes()


def test_without_a_place_nothing_is_loaded(
    new: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(new, '"云硬盘"', '"盘"')
    monkeypatch.delenv("CATALOGUE_FILE")
    assert run("load", new, "--yes") == 1
    assert "CATALOGUE_FILE names no file" in capsys.readouterr().err
    monkeypatch.setenv("CATALOGUE_FILE", "/proc/none/catalogue.toml")
    assert run("load", new, "--yes") == 2
