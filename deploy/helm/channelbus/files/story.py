"""What `helm test` does: a signed call, and an event through Kafka into the read model.

It leaves one partner account, TEST_PARTNER, with one customer, and uses both again; the key that it
signs with is taken away at the end. In connected mode customers are the upstream's, so that nothing
is changed there: the signed call is all.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wire.signature import sign_headers

TEST_PARTNER = "channelbus-helm-test"
TEST_CUSTOMER = "channelbus_helm_test"
ACCOUNT_TYPE = "CHANNELBUS_IDP"
HEARD_SECONDS_MAX = 60.0
PAUSE_SECONDS = 0.5
ANSWER_SECONDS_MAX = 30.0

GATEWAY = os.environ["GATEWAY"]


class NotAsWantedError(RuntimeError):
    """An answer that says that the system is not well."""

    def __init__(self, status: int, said: Any, what: str):
        self.status = status
        super().__init__(f"{what} was answered {status}: {said}")


def ask(method: str, path: str, content: Any = None, key: dict[str, str] | None = None) -> Any:
    """Signed by the key, or in the administrator's name."""
    url, body = GATEWAY + path, b"" if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    if key is None:
        token = Path(os.environ["ADMIN_TOKEN_FILE"]).read_text().strip()
        headers["X-Auth-Token"] = token
    else:
        now = datetime.now(UTC)
        headers = sign_headers(method, url, headers, body, key["access"], key["secret"], now)
    request = urllib.request.Request(url, body or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
            raw = answer.read()
            return json.loads(raw) if raw else None
    except urllib.error.HTTPError as refusal:
        said = refusal.read().decode("utf-8", "replace")
        raise NotAsWantedError(refusal.code, said, f"{method} {path}") from None


def until(what: str, done: Any) -> Any:
    """Ask again until there is an answer that is not None."""
    give_up_at = time.monotonic() + HEARD_SECONDS_MAX
    while True:
        try:
            if (found := done()) is not None:
                return found
            last = "nothing yet"
        except NotAsWantedError as error:
            last = str(error)
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {HEARD_SECONDS_MAX:g} s; {last}")
        time.sleep(PAUSE_SECONDS)


def partner() -> str:
    """The test's own partner account."""
    if found := ask("GET", f"/api/partners?account_name={TEST_PARTNER}")["partners"]:
        return str(found[0]["partner_id"])
    wanted = {"account_name": TEST_PARTNER, "name": "helm test", "kind": "solution_provider"}
    return str(ask("POST", "/api/partners", wanted)["partner_id"])


def customer(key: dict[str, str]) -> str:
    """The test's own customer."""
    asked = {"account_name": TEST_CUSTOMER}
    found = ask("POST", "/v2/partners/sub-customers/query", asked, key)["customer_infos"]
    if found:
        return str(found[0]["customer_id"])
    wanted = {
        "xaccount_id": TEST_CUSTOMER,
        "xaccount_type": ACCOUNT_TYPE,
        "domain_name": TEST_CUSTOMER,
        "cooperation_type": "1",
    }
    made = ask("POST", "/api/customers", {"customers": [wanted]}, key)["customers"]
    return str(made[0]["customer_id"])


def tell(line: str) -> None:
    """One step that went well."""
    print(line, flush=True)


def main() -> None:
    """The story."""
    partner_id = partner()
    credential = {"credential": {"user_id": partner_id, "description": "helm test"}}
    path = "/v3.0/OS-CREDENTIAL/credentials"
    key = until("the account's first event", lambda: ask("POST", path, credential))["credential"]
    try:
        ask("GET", "/api/customers?limit=1", key=key)
        tell("a signed call is answered")
        if os.environ["CONNECTED"] == "true":
            return
        customer_id = customer(key)
        label = f"helm test {time.time():.0f}"
        ask("PATCH", f"/api/customers/{customer_id}", {"label": label}, key)

        def told() -> Any:
            page = ask("GET", f"/api/customers/{customer_id}", key=key)
            return page if page["profile"]["label"] == label else None

        until("a change in the read model", told)
        tell("an event went through Kafka into the read model")
    finally:
        ask("DELETE", f"{path}/{key['access']}")


if __name__ == "__main__":
    try:
        main()
    except (NotAsWantedError, TimeoutError, OSError) as error:
        sys.exit(f"helm test: {error}")
