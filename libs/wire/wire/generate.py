"""Makes operations.json, the trimmed table, from the vendor's reference and our own columns.

    python -m wire.generate <reference>

The reference says what the vendor's SDK says (docs/domain/operations.md C); overlay.json holds what
we add: owning service, what moves value, formats, list sizes, the other site's differences, the
older paths.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
TABLE = PACKAGE / "operations.json"
OVERLAY = PACKAGE / "overlay.json"

SCALARS = {"str": "str", "int": "int", "bool": "bool", "decimal.Decimal": "decimal"}
CONSTRAINTS = ("min_length", "max_length", "min", "max", "pattern", "enum")
ITEM_LENGTH_MAX = 64  # characters of one id in a list or path
_LIST = re.compile(r"list\[(.+)\]")
_CODE = re.compile(r"[A-Z]+\.\d+")

Row = dict[str, Any]


def make_table(reference: Row, overlay: Row) -> Row:
    """The table: the vendor's operations in the reference's order, then our extras."""
    rows = [_vendor_row(operation, overlay) for operation in reference["operations"]]
    extras = [_extra_row(extra, overlay) for extra in overlay["extras"]]
    return {"operations": rows + extras}


def _vendor_row(operation: Row, overlay: Row) -> Row:
    name = operation["method_name"]
    body = operation["body"]
    row = {
        "method_name": name,
        "operation": operation["operation"],
        "http_method": operation["http_method"],
        "path": operation["path"],
        "auth": operation["auth"]["class"],
        "list_keys": operation["list_keys"],
        "total_key": operation["total_key"][0] if operation["total_key"] else None,
        "success_status": operation["success_status"]["code"],
        "partial_success": operation["partial_success_in_200"],
        "permission": operation["partner_operator_permission"],
        "rate_limit_per_second": int(operation["rate_limit"].split()[0]),
        "origin": "table",
        **_codes(operation["error_codes"] or {}),
        **_paging(operation["paging"]),
    }
    params = [p for p in operation["params"] if p["in"] != "header"]
    row["language"] = any(p["wire_name"] == "X-Language" for p in operation["params"])
    row["params"] = [{"in": p["in"], **_field(name, p, overlay)} for p in params]
    row["body"] = body and [_field(name, field, overlay) for field in body["fields"]]
    _bound_paging(row)
    china = ["china", "international"] if name in overlay["international"]["shared"] else ["china"]
    row["sites"] = china
    _add_columns(row, overlay)
    return row


def _extra_row(extra: Row, overlay: Row) -> Row:
    name = extra["method_name"]
    row = {
        **{k: v for k, v in extra.items() if k not in ("paging", "rule", "partial")},
        "partial_success": extra.get("partial", False),
        "total_key": extra["total_key"][0] if extra["total_key"] else None,
        "permission": None,
        "rate_limit_per_second": 10,
        "language": extra.get("language", False),
        **_codes(extra.get("error_codes", {})),
        **_paging(extra["paging"]),
    }
    row["params"] = [{"in": p["in"], **_field(name, p, overlay)} for p in extra["params"]]
    row["body"] = extra["body"] and [_field(name, field, overlay) for field in extra["body"]]
    _add_columns(row, overlay)
    return row


def _bound_paging(row: Row) -> None:
    """Limit and offset get the bounds that the reference states under paging only."""
    for field in row["params"] + (row["body"] or []):
        if field["name"] == "limit" and "max" not in field:
            field.update(min=row["limit_min"], max=row["limit_max"])
        if field["name"] == "offset" and "max" not in field:
            field.update(min=0, max=row["offset_max"])
        if field.get("in") == "path":
            field.setdefault("max_length", ITEM_LENGTH_MAX)


def _add_columns(row: Row, overlay: Row) -> None:
    name = row["method_name"]
    row["service"] = next(s for s, names in overlay["services"].items() if name in names)
    row["command"] = name in overlay["commands"]
    row["moves_value"] = name in overlay["moves_value"]
    row["offset_needs_limit"] = name in overlay["offset_needs_limit"]
    row["international"] = None
    if difference := overlay["international"]["differences"].get(name):
        fields = [_field(name, field, overlay) for field in difference["with"]]
        row["international"] = {
            "without": difference["without"],
            "with": fields,
            "choices": difference.get("choices", {}),
        }


def _codes(codes: Row) -> Row:
    """Codes by status; those that stand inside a 200 answer go to a column of their own."""
    by_status: dict[str, list[str]] = {}
    partial: list[str] = []
    for status, names in codes.items():
        if status == "note":
            continue
        for text in names:
            code = _CODE.match(text)
            assert code is not None, text
            if status.startswith("200") or "error_details" in text:
                partial.append(code.group())
            if not status.startswith("200"):
                by_status.setdefault(status[:3], []).append(code.group())
    return {"error_codes": by_status, "partial_codes": partial}


def _paging(paging: Row) -> Row:
    limit, offset = paging.get("limit", {}), paging.get("offset", {})
    style = "marker" if "marker" in paging else "offset" if offset else "none"
    return {
        "paging": style,
        "limit_min": limit.get("min"),
        "limit_default": limit.get("default"),
        "limit_max": limit.get("max"),
        "offset_max": offset.get("max"),
    }


def _field(operation: str, source: Row, overlay: Row, prefix: str = "") -> Row:
    wire_name = source.get("wire_name") or source.get("json") or source["name"]
    path = prefix + wire_name
    key = f"{operation}.{path}"
    listed = _LIST.fullmatch(source["type"])
    scalar = SCALARS.get(listed.group(1) if listed else source["type"], "object")
    field: Row = {"name": wire_name, "type": scalar, "required": source["required"]}
    constraints = source.get("constraints") or {}
    field.update({k: constraints[k] for k in CONSTRAINTS if k in constraints})
    if listed:
        field["many"] = True
        if key in overlay["sizes"]:
            field["items_min"], field["items_max"] = overlay["sizes"][key]
        if wire_name.endswith("_ids"):
            field["max_length"] = ITEM_LENGTH_MAX
    if key in overlay["amounts"]:
        field["amount"] = True
    if key in overlay["choices"]:
        field["choices"] = overlay["choices"][key]
    for kind, keys in overlay["formats"].items():
        if key in keys:
            field["format"] = kind
    for kind, keys in overlay["blank"].items():
        if key in keys:
            field["blank"] = kind
    if "schema" in source:
        inner = source["schema"]["fields"]
        field["fields"] = [_field(operation, part, overlay, f"{path}.") for part in inner]
    return field


def main(reference: Path) -> None:
    """Write the table beside this file."""
    vendor, overlay = (json.loads(p.read_text("utf-8")) for p in (reference, OVERLAY))
    table = make_table(vendor, overlay)
    rows = [json.dumps(row, ensure_ascii=False) for row in table["operations"]]
    lines = ",\n".join(rows)  # one operation a line, so that a change reads well
    TABLE.write_text(f'{{"operations": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
