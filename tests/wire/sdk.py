"""The vendor's Python SDKs, called by the name of an operation and the wire's own field names."""

from typing import Any, Protocol

import huaweicloudsdkbss.v2 as china
import huaweicloudsdkbssintl.v2 as international
from huaweicloudsdkbss.v2 import BssClient
from huaweicloudsdkbssintl.v2 import BssintlClient
from huaweicloudsdkcore.auth.credentials import GlobalCredentials

from tests.flows.cast import Caller

_SPOKEN = {"china": (BssClient, china), "international": (BssintlClient, international)}


class SdkAnswer(Protocol):
    """What every response of the SDK has, besides its own fields."""

    status_code: int
    raw_content: bytes


def call(
    caller: Caller, operation: str, name: str, values: dict[str, Any], site: str = "china"
) -> SdkAnswer:
    """Call `name` (the request's class is named after `operation`); the SDK raises refusals."""
    kind, models = _SPOKEN[site]
    credentials = GlobalCredentials(caller.access, caller.secret, caller.domain_id)
    client = kind.new_builder().with_credentials(credentials).with_endpoints([caller.gateway])
    request = _request(models, getattr(models, f"{operation}Request"), values)
    answer: SdkAnswer = getattr(client.build(), name)(request)
    return answer


def _request(models: Any, kind: Any, values: dict[str, Any]) -> Any:
    given = _attributes(kind, values)
    body = kind.openapi_types.get("body")
    if body is not None:
        body_kind = getattr(models, body)
        given["body"] = body_kind(**_attributes(body_kind, values))
    return kind(**given)


def _attributes(kind: Any, values: dict[str, Any]) -> dict[str, Any]:
    """A field left out here is one that this SDK cannot send."""
    names = kind.attribute_map.items()
    return {attribute: values[name] for attribute, name in names if name in values}
