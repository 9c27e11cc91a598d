"""The vendor's operations as OpenAPI 3.1 paths, made from the table that checks and routes them.

What is said is what a careful client sends: that an empty text or a null mostly counts as not
given (docs/domain/wire-protocol.md D.5) is left to the check. Answers are named, their fields are
the SDK's.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from wire.codes import code
from wire.money import AMOUNT_MAX
from wire.operations import CHINA, INTERNATIONAL, Auth, Field, Operation, everything

JsonSchema = dict[str, Any]

REFUSAL = "Refusal"
SECURITY: list[dict[str, list[str]]] = [{"signature": []}, {"token": []}]
COMMON_CODES = {
    400: ("CBC.0100", "CBC.0101"),
    401: ("APIGW.0301", "APIGW.0307", "CBC.0154"),
    403: ("CBC.0150", "CBC.0151"),
    409: ("CHB.0001",),
    429: ("APIGW.0308",),
    500: ("CBC.0999",),
    501: ("CHB.0002", "CHB.0003"),
}
_CALLERS = {
    Auth.P: "a solution provider, a tier-1 distributor or a government partner",
    Auth.D: "a tier-1 distributor",
    Auth.C: "a customer",
    Auth.C_STAR: "a customer, or its partner with the customer's token",
    Auth.P_OR_C: "a partner or a customer",
    Auth.E: "an enterprise master",
}
_TWO_DIGITS = "(0[1-9]|1[0-2])"
_DAY = rf"[1-9]\d{{3}}-{_TWO_DIGITS}-(0[1-9]|[12]\d|3[01])"
_FORMATS = {
    "instant": rf"{_DAY}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    "cycle": rf"[1-9]\d{{3}}-{_TWO_DIGITS}",
    "day": _DAY,
}
_AMOUNT_TEXT = r"^\d{1,10}(\.\d{1,2})?$"
_HEADERS = {
    "X-Language": ("zh_CN or en_US chooses the language of messages", ["zh_CN", "en_US"]),
    "X-Domain-Id": ("when given, the account of the key or token", None),
    "X-Project-Id": ("taken and signed; no operation needs it", None),
    "X-Security-Token": ("with temporary keys", None),
}


def components() -> dict[str, Any]:
    """Schemas, headers and security schemes that the paths refer to."""
    return {
        "schemas": {REFUSAL: _refusal()},
        "parameters": {name: _header(name) for name in _HEADERS},
        "headers": {
            "X-Request-Id": {
                "description": "names the request in logs and traces; on every answer",
                "schema": {"type": "string"},
            }
        },
        "securitySchemes": {
            "signature": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "SDK-HMAC-SHA256 over method, path, query, headers and body, with"
                " X-Sdk-Date, as the vendor's SDKs sign; temporary keys add X-Security-Token.",
            },
            "token": {
                "type": "apiKey",
                "in": "header",
                "name": "X-Auth-Token",
                "description": "From POST /v3/auth/tokens (X-Subject-Token), valid for 24 hours.",
            },
        },
    }


def paths() -> dict[str, Any]:
    """Every operation of both sites, older paths included."""
    found: dict[str, Any] = {}
    china, abroad = everything(CHINA), everything(INTERNATIONAL)
    for name in sorted({**abroad, **china}):
        spoken = [site[name] for site in (china, abroad) if name in site]
        one = spoken[0]
        found.setdefault(one.path, {})[one.http_method.lower()] = _operation(one, spoken)
    return found


def _operation(one: Operation, spoken: Sequence[Operation]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.method_name,
        "summary": one.operation,
        "description": _description(one),
        "tags": [one.service],
        "security": SECURITY,
        "parameters": [*_parameters(spoken), *_header_references(one)],
        "responses": _responses(one),
    }
    bodies = [_object(each.body) for each in spoken if each.body is not None]
    if bodies:
        schema = bodies[0] if bodies[0] == bodies[-1] else {"anyOf": bodies}
        required = all(any(f.required for f in each.body or ()) for each in spoken)
        described["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _description(one: Operation) -> str:
    said = [f"Asked by {_CALLERS[one.auth]}."]
    if one.moves_value:
        said.append("A signature that was used before is refused (CHB.0001).")
    if one.offset_needs_limit:
        said.append("offset goes only together with limit.")
    if one.partial_success:
        said.append("A 200 may hold refusals of single items in error_details.")
    said.append(f"At most {one.rate_limit_per_second} requests a second.")
    return " ".join(said)


def _parameters(spoken: Sequence[Operation]) -> Iterator[dict[str, Any]]:
    """Of every site that has it; required only where all of them require it."""
    names = dict.fromkeys(p.name for each in spoken for p in each.params)
    for name in names:
        known = [p for each in spoken for p in each.params if p.name == name]
        first = known[0]
        schemas = [_schema(p.field) for p in known]
        yield {
            "name": name,
            "in": first.place,
            "required": first.place == "path"
            or (len(known) == len(spoken) and all(p.required for p in known)),
            "schema": schemas[0] if schemas[0] == schemas[-1] else {"anyOf": schemas},
        }


def _header_references(one: Operation) -> list[dict[str, str]]:
    names = [name for name in _HEADERS if one.language or name != "X-Language"]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _header(name: str) -> dict[str, Any]:
    says, values = _HEADERS[name]
    schema: JsonSchema = {"type": "string"} if values is None else {"enum": values}
    return {"name": name, "in": "header", "required": False, "description": says, "schema": schema}


def _responses(one: Operation) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done.", "headers": _request_id()}
    if one.success_status != HTTPStatus.NO_CONTENT:
        done["content"] = {"application/json": {"schema": _answer(one)}}
    refused: dict[int, list[str]] = {status: list(names) for status, names in COMMON_CODES.items()}
    for status, names in one.error_codes.items():
        if status >= HTTPStatus.BAD_REQUEST:
            refused.setdefault(status, []).extend(names)
    return {
        str(one.success_status): done,
        **{str(status): refusal_response(refused[status]) for status in sorted(refused)},
    }


def refusal_response(names: Sequence[str]) -> dict[str, Any]:
    """A refusal in the vendor's shape, with the codes that it may have."""
    return {
        "description": "; ".join(_code_text(name) for name in dict.fromkeys(names)),
        "headers": _request_id(),
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{REFUSAL}"}}},
    }


def _request_id() -> dict[str, Any]:
    return {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}


def _code_text(name: str) -> str:
    try:
        return f"{name} {code(name).en}"
    except LookupError:
        return name


def _answer(one: Operation) -> JsonSchema:
    if one.origin == "older path":  # another shape, with its list further inside
        return {"type": "object"}
    lists: JsonSchema = {key: {"type": "array"} for key in one.list_keys}
    counted: JsonSchema = {one.total_key: {"type": "integer"}} if one.total_key else {}
    return {"type": "object", "properties": {**lists, **counted}}


def _refusal() -> JsonSchema:
    return {
        "type": "object",
        "required": ["error_code", "error_msg"],
        "properties": {
            "error_code": {"type": "string", "pattern": r"^(APIGW|CBC|CHB)\.\d+$"},
            "error_msg": {"type": "string", "minLength": 1},
            "request_id": {"type": "string"},
        },
    }


def _object(fields: Sequence[Field]) -> JsonSchema:
    schema: JsonSchema = {
        "type": "object",
        "properties": {field.name: _schema(field) for field in fields},
    }
    required = [field.name for field in fields if field.required]
    return {**schema, "required": required} if required else schema


def _schema(field: Field) -> JsonSchema:
    if not field.many:
        return _single(field)
    schema: JsonSchema = {"type": "array", "items": _single(field)}
    if field.items_min:
        schema["minItems"] = field.items_min
    if field.items_max is not None:
        schema["maxItems"] = field.items_max
    return schema


def _single(field: Field) -> JsonSchema:
    if field.type == "object":
        return _object(field.fields)
    if field.type == "bool":
        return {"type": "boolean"}
    if field.amount:
        return _amount(field)
    if field.type == "str":
        return _text(field)
    return _number(field)


def _text(field: Field) -> JsonSchema:
    schema: JsonSchema = {"type": "string"}
    if field.min_length:
        schema["minLength"] = field.min_length
    if field.max_length is not None:
        schema["maxLength"] = field.max_length
    pattern = _FORMATS[field.format] if field.format else field.pattern
    if pattern is not None:
        schema["pattern"] = f"^(?:{pattern.removeprefix('^').removesuffix('$')})$"
    values = field.choices or field.enum
    if values:
        schema["enum"] = list(values)
    return schema


def _number(field: Field) -> JsonSchema:
    schema: JsonSchema = {"type": "integer" if field.type == "int" else "number"}
    if field.min is not None:
        schema["minimum"] = int(field.min) if field.min == int(field.min) else float(field.min)
    if field.max is not None:
        schema["maximum"] = int(field.max) if field.max == int(field.max) else float(field.max)
    if field.choices:
        schema["enum"] = [int(choice) for choice in field.choices]
    return schema


def _amount(field: Field) -> JsonSchema:
    """A number, or the same as a text: more than 0, at most two decimals."""
    number = {"type": "number", "exclusiveMinimum": 0, "maximum": float(field.max or AMOUNT_MAX)}
    return {"anyOf": [number, {"type": "string", "pattern": _AMOUNT_TEXT}]}
