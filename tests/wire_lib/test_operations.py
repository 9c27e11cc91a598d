"""The trimmed table is what the reference says, and our columns stand on every row."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.wire_lib.builders import REFERENCE, reference
from wire.generate import OVERLAY, TABLE, make_table
from wire.operations import OPERATIONS, TABLE_SIZE, Field, everything, operation, operations

ROWS = {row["method_name"]: row for row in reference()}
SERVICES = {"customer-sync", "order", "voucher", "billing", "partner"}


def test_no_operation_of_the_reference_is_missing_and_none_is_invented() -> None:
    assert set(operations()) == set(ROWS)
    assert len(ROWS) == TABLE_SIZE
    assert OPERATIONS is operations()


def test_the_committed_table_is_what_the_generator_makes_of_reference_and_overlay() -> None:
    texts = (REFERENCE.read_text("utf-8"), OVERLAY.read_text("utf-8"))
    made = make_table(*(json.loads(text) for text in texts))
    committed = json.loads(TABLE.read_text("utf-8"))
    assert committed == made, "run python -m wire.generate tests/wire_lib/operations.json"


ITEMS_MAX = 1000  # of any list of a request


@pytest.mark.parametrize("site", ["china", "international"])
def test_no_list_of_a_request_is_without_a_bound(site: str) -> None:
    def unbounded(fields: Iterable[Field], of: str) -> Iterator[str]:
        for field in fields:
            if field.many and not 0 < (field.items_max or 0) <= ITEMS_MAX:
                yield f"{of}.{field.name}"
            yield from unbounded(field.fields, f"{of}.{field.name}")

    found = [name for row in everything(site).values()
             for name in unbounded(row.fields, row.method_name)]  # fmt: skip
    assert found == [], "give each a size in overlay.json"


@pytest.mark.parametrize("name", sorted(ROWS))
def test_method_path_and_answer_are_those_of_the_reference(name: str) -> None:
    row, one = ROWS[name], operation(name)
    assert (one.http_method, one.path) == (row["http_method"], row["path"])
    assert (one.operation, one.auth.value) == (row["operation"], row["auth"]["class"])
    assert one.success_status == row["success_status"]["code"]
    assert list(one.list_keys) == row["list_keys"]
    assert [one.total_key] if one.total_key else row["total_key"] == []
    assert one.partial_success == row["partial_success_in_200"]
    assert one.permission == row["partner_operator_permission"]
    assert row["rate_limit"].startswith(f"{one.rate_limit_per_second} requests/1s")


@pytest.mark.parametrize("name", sorted(ROWS))
def test_paging_limits_are_those_of_the_reference(name: str) -> None:
    paging, one = ROWS[name]["paging"], operation(name)
    limit, offset = paging.get("limit", {}), paging.get("offset", {})
    assert one.limit_max == limit.get("max")
    assert one.limit_min == limit.get("min")
    assert one.limit_default == limit.get("default")
    assert one.offset_max == offset.get("max")
    style = "marker" if "marker" in paging else "offset" if offset else "none"
    assert one.paging.value == style


@pytest.mark.parametrize("name", sorted(ROWS))
def test_parameters_and_their_constraints_are_those_of_the_reference(name: str) -> None:
    row, one = ROWS[name], operation(name)
    expected = [p for p in row["params"] if p["in"] != "header"]
    assert [(p["in"], p["wire_name"]) for p in expected] == [(p.place, p.name) for p in one.params]
    for source, param in zip(expected, one.params, strict=True):
        assert_same(source, param.field)
    assert one.language == any(p["wire_name"] == "X-Language" for p in row["params"])


@pytest.mark.parametrize("name", sorted(ROWS))
def test_body_fields_and_their_constraints_are_those_of_the_reference(name: str) -> None:
    row, one = ROWS[name], operation(name)
    if row["body"] is None:
        assert one.body is None
    else:
        assert one.body is not None
        assert_same_fields(row["body"]["fields"], one.body)


def assert_same_fields(sources: list[dict[str, Any]], fields: tuple[Field, ...]) -> None:
    assert [s["json"] for s in sources] == [f.name for f in fields]
    for source, field in zip(sources, fields, strict=True):
        assert_same(source, field)


def assert_same(source: dict[str, Any], field: Field) -> None:
    assert field.required == source["required"], field.name
    assert field.many == source["type"].startswith("list["), field.name
    kinds = {"str": "str", "int": "int", "bool": "bool", "decimal.Decimal": "decimal"}
    plain = source["type"].removeprefix("list[").removesuffix("]")
    assert field.type == kinds.get(plain, "object"), field.name
    for key, value in (source.get("constraints") or {}).items():
        ours = getattr(field, key)
        if key in ("min", "max"):
            assert ours == Decimal(str(value)), field.name
        else:
            assert ours == (tuple(value) if isinstance(value, list) else value), field.name
    if "schema" in source:
        assert_same_fields(source["schema"]["fields"], field.fields)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_error_codes_of_the_reference_are_kept_by_status(name: str) -> None:
    one = operation(name)
    kept = {(str(status), code) for status, codes in one.error_codes.items() for code in codes}
    for status, codes in (ROWS[name]["error_codes"] or {}).items():
        if status.startswith("200"):
            assert list(one.partial_codes) == codes
        elif status != "note":
            assert {(status, code.split()[0]) for code in codes} <= kept


def test_every_operation_has_one_owning_service() -> None:
    owners = Counter(one.service for one in everything().values())
    assert set(owners) == SERVICES
    assert operation("list_indirect_partners").service == "partner"
    assert operation("list_order_coupons_by_order_id").service == "voucher"


def test_what_moves_value_is_a_post_that_changes_state() -> None:
    moving = [one for one in operations().values() if one.moves_value]
    assert {one.http_method for one in moving} == {"POST"}
    assert all(one.command for one in moving)
    assert {"pay_orders", "reclaim_partner_coupons"} <= {one.method_name for one in moving}
    assert not operation("list_sub_customers").command


def test_everything_but_a_get_or_a_query_is_a_command() -> None:
    reading = ("list_", "show_", "check_")
    for name, one in operations().items():
        assert one.command == (not name.startswith(reading)), name


def test_amounts_are_marked_where_money_or_coupons_move() -> None:
    for one in operations().values():
        for field in one.body or ():
            if field.name in ("amount", "face_value", "quota_amount"):
                assert field.amount, one.method_name


def test_the_44_shared_operations_and_four_more_are_spoken_abroad() -> None:
    abroad = operations("international")
    assert len([n for n in abroad if n in operations()]) == 44
    assert set(abroad) - set(operations()) == {
        "freeze_sub_customers",
        "list_postpaid_bill_sum",
        "list_resource_specs_price",
        "unfreeze_sub_customers",
    }


def test_abroad_a_customer_is_created_with_area_and_email() -> None:
    names = {f.name: f.required for f in operation("create_sub_customer", "international").fields}
    assert names["domain_area"] is True
    assert names["email"] is False
    assert "mobile_phone" not in names
    assert "cooperation_type" not in names
    assert "mobile_phone" in {f.name for f in operation("create_sub_customer").fields}


def test_the_older_paths_are_known_but_are_not_counted_among_the_92() -> None:
    older = set(everything()) - set(operations())
    assert older == {"list_customer_orders_old", "query_customers_old"}
