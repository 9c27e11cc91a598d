"""What no service sees any more once its framework has read the query: repeats, broken UTF-8."""

from urllib.parse import unquote_to_bytes

from chassis.errors import BadFieldError
from wire.operations import Operation


def check_query(operation: Operation, raw_query: bytes) -> None:
    """Refuse a parameter that is no list and comes twice, and text that is no UTF-8.

    Raises:
        BadFieldError: with the parameter's name; parameters that the table lacks are ignored.

    """
    if not raw_query:
        return
    seen: set[str] = set()
    many = {field.name: field.many for field in operation.query}
    for piece in raw_query.split(b"&"):
        raw_name, _, raw_value = piece.replace(b"+", b" ").partition(b"=")
        name = unquote_to_bytes(raw_name).decode(errors="replace")
        if name not in many:
            continue
        if name in seen and not many[name]:
            raise BadFieldError(name, "given more than once")
        seen.add(name)
        try:
            unquote_to_bytes(raw_value).decode()
        except UnicodeDecodeError:
            raise BadFieldError(name, "no UTF-8") from None
