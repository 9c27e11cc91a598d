"""What the gateway publishes while the services behind it are away."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.gateway.gate import Gate


async def test_services_that_are_away_are_named_and_their_routes_are_there(gate: Gate) -> None:
    """The echo describes nothing, so that the gateway's own table is all there is."""
    document = (await gate.send("GET", "/openapi.json")).content
    OpenAPIV31SpecValidator(document).validate()
    assert document["x-away"] == ["billing", "customer-sync", "order", "partner", "voucher"]
    assert set(document["paths"]["/api/orders"]) == {"post"}
    both = document["paths"]["/api/customers/{customer_id}"]
    assert set(both) == {"get", "patch"}
    (named,) = both["patch"]["parameters"]
    assert (named["name"], named["in"]) == ("customer_id", "path")
    assert "list_sub_customers" in str(document["paths"]["/v2/partners/sub-customers/query"])


async def test_the_document_is_made_once_for_all_who_ask_within_a_while(gate: Gate) -> None:
    first = await gate.send("GET", "/openapi.json")
    asked = len(gate.echo.seen)
    assert asked > 0
    again = await gate.send("GET", "/openapi.json")
    assert again.content == first.content
    assert len(gate.echo.seen) == asked
