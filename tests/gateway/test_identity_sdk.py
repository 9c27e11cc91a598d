"""The official SDKs, pointed at a gateway that listens, work unchanged."""

import asyncio
from typing import Any

import pytest
from huaweicloudsdkbss.v2 import (
    BssClient,
    ListCustomerOrdersRequest,
    ListSubCustomersRequest,
    QuerySubCustomerListReq,
    ShowCustomerOrderDetailsRequest,
)
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkiam.v3 import (
    AgencyAuth,
    AgencyAuthIdentity,
    AgencyTokenAssumerole,
    AgencyTokenAuth,
    AgencyTokenIdentity,
    AgencyTokenScope,
    AgencyTokenScopeDomain,
    AuthScope,
    AuthScopeDomain,
    CreateCredentialOption,
    CreatePermanentAccessKeyRequest,
    CreatePermanentAccessKeyRequestBody,
    CreateTemporaryAccessKeyByAgencyRequest,
    CreateTemporaryAccessKeyByAgencyRequestBody,
    CreateTemporaryAccessKeyByTokenRequest,
    CreateTemporaryAccessKeyByTokenRequestBody,
    DeletePermanentAccessKeyRequest,
    IamClient,
    IdentityAssumerole,
    IdentityToken,
    KeystoneCreateAgencyTokenRequest,
    KeystoneCreateAgencyTokenRequestBody,
    KeystoneCreateUserTokenByPasswordRequest,
    KeystoneCreateUserTokenByPasswordRequestBody,
    KeystoneListAuthDomainsRequest,
    KeystoneValidateTokenRequest,
    ListPermanentAccessKeysRequest,
    PwdAuth,
    PwdIdentity,
    PwdPassword,
    PwdPasswordUser,
    PwdPasswordUserDomain,
    ShowPermanentAccessKeyRequest,
    TokenAuth,
    TokenAuthIdentity,
    UpdateCredentialOption,
    UpdatePermanentAccessKeyRequest,
    UpdatePermanentAccessKeyRequestBody,
)
from starlette.types import Scope, Send

from gateway.identity.keep_password import keep_password
from tests.gateway.gate import AccessPair, Gate, answer_json
from tests.gateway.identity_builders import PLATFORM, operator, story

PASSWORD = "Geheim#2026"


def client(kind: Any, gate: Gate, key: AccessPair, domain_id: str | None = None) -> Any:
    credentials = GlobalCredentials(key.access, key.secret, domain_id)
    if key.security_token:
        credentials = credentials.with_security_token(key.security_token)
    return kind.new_builder().with_credentials(credentials).with_endpoints([gate.url]).build()


async def call(method: Any, request: Any) -> Any:
    """The SDK blocks; the gateway runs in this loop."""
    return await asyncio.to_thread(method, request)


def by_agency() -> CreateTemporaryAccessKeyByAgencyRequest:
    role = IdentityAssumerole(agency_name=PLATFORM, domain_name="c1-account", duration_seconds=3600)
    identity = AgencyAuthIdentity(methods=["assume_role"], assume_role=role)
    body = CreateTemporaryAccessKeyByAgencyRequestBody(auth=AgencyAuth(identity=identity))
    return CreateTemporaryAccessKeyByAgencyRequest(body=body)


async def test_permanent_keys_by_the_iam_sdk_from_making_to_deleting(gate: Gate) -> None:
    iam = client(IamClient, gate, await story(gate), "p1")
    option = CreateCredentialOption(user_id="p1", description="by the SDK")
    body = CreatePermanentAccessKeyRequestBody(credential=option)
    made = (
        await call(iam.create_permanent_access_key, CreatePermanentAccessKeyRequest(body=body))
    ).credential
    assert (made.user_id, made.status, made.description) == ("p1", "active", "by the SDK")
    second = client(IamClient, gate, AccessPair(made.access, made.secret))
    listed = await call(second.list_permanent_access_keys, ListPermanentAccessKeysRequest())
    assert made.access in [one.access for one in listed.credentials]
    show = ShowPermanentAccessKeyRequest(access_key=made.access)
    assert (await call(second.show_permanent_access_key, show)).credential.access == made.access
    change = UpdatePermanentAccessKeyRequestBody(
        credential=UpdateCredentialOption(description="changed")
    )
    update = UpdatePermanentAccessKeyRequest(access_key=made.access, body=change)
    updated = await call(second.update_permanent_access_key, update)
    assert updated.credential.description == "changed"
    delete = DeletePermanentAccessKeyRequest(access_key=made.access)
    await call(iam.delete_permanent_access_key, delete)
    with pytest.raises(ClientRequestException) as refused:
        await call(second.show_permanent_access_key, show)
    assert (refused.value.status_code, refused.value.error_code) == (401, "APIGW.0301")
    assert refused.value.request_id


async def test_temporary_keys_by_the_iam_sdk_drive_the_bss_sdk(gate: Gate) -> None:
    key = await story(gate)
    iam = client(IamClient, gate, key, "p1")
    made = (await call(iam.create_temporary_access_key_by_agency, by_agency())).credential
    assert made.expires_at.endswith("Z")
    pair = AccessPair(made.access, made.secret, made.securitytoken)

    async def orders(_scope: Scope, send: Send) -> None:
        await answer_json(send, 200, {"total_count": 1, "order_infos": [{"order_id": "CS1"}]})

    gate.echo.answer = orders
    for domain_id in ("c1", None):
        bss = client(BssClient, gate, pair, domain_id)
        found = await call(bss.list_customer_orders, ListCustomerOrdersRequest(order_id="a b/c%"))
        assert (found.total_count, found.order_infos[0].order_id) == (1, "CS1")
    who = gate.echo.principal(gate.settings)
    assert (who.id, who.acting_for_partner) == ("c1", "p1")
    bss = client(BssClient, gate, pair, "p1")
    with pytest.raises(ClientRequestException) as refused:
        await call(bss.list_customer_orders, ListCustomerOrdersRequest())
    assert refused.value.error_code == "APIGW.0301"


async def test_the_bss_sdk_reaches_its_service_with_a_body_and_an_encoded_path(gate: Gate) -> None:
    bss = client(BssClient, gate, await story(gate), "p1")
    body = QuerySubCustomerListReq(account_name="客户 %/", limit=10)
    await call(bss.list_sub_customers, ListSubCustomersRequest(body=body))
    assert b"limit" in gate.echo.body()
    details = ShowCustomerOrderDetailsRequest(order_id="a+b ü")
    await call(bss.show_customer_order_details, details)
    assert gate.echo.seen[-1]["path"].endswith("/details/a%2Bb%20%C3%BC")
    assert gate.echo.principal(gate.settings).id == "p1"


async def test_a_token_by_the_iam_sdk_for_the_customer_makes_keys_too(gate: Gate) -> None:
    iam = client(IamClient, gate, await story(gate), "p1")
    role = AgencyTokenAssumerole(domain_name="c1-account", agency_name=PLATFORM)
    scope = AgencyTokenScope(domain=AgencyTokenScopeDomain(name="c1-account"))
    identity = AgencyTokenIdentity(methods=["assume_role"], assume_role=role)
    body = KeystoneCreateAgencyTokenRequestBody(
        auth=AgencyTokenAuth(identity=identity, scope=scope)
    )
    issued = await call(
        iam.keystone_create_agency_token, KeystoneCreateAgencyTokenRequest(body=body)
    )
    assert issued.token.user.id == "c1"
    assert issued.token.assumed_by.user.id == "p1"
    by_token = TokenAuthIdentity(methods=["token"], token=IdentityToken(id=issued.x_subject_token))
    request = CreateTemporaryAccessKeyByTokenRequest(
        body=CreateTemporaryAccessKeyByTokenRequestBody(auth=TokenAuth(identity=by_token))
    )
    made = (await call(iam.create_temporary_access_key_by_token, request)).credential
    bss = client(BssClient, gate, AccessPair(made.access, made.secret, made.securitytoken), "c1")
    await call(bss.list_customer_orders, ListCustomerOrdersRequest())
    assert gate.echo.principal(gate.settings).acting_for_partner == "p1"


async def test_a_token_by_password_is_made_and_validated_by_the_iam_sdk(gate: Gate) -> None:
    key = await story(gate)
    hashed = await gate.app.parts.keyring.passwords.hash(PASSWORD)
    async with gate.app.parts.database.transaction() as session:
        await keep_password(session, "r1", hashed)
    await gate.feed(operator(credential_ref="r1"))
    iam = client(IamClient, gate, key, "p1")
    user = PwdPasswordUser(
        domain=PwdPasswordUserDomain(name="p1-account"), name="op1-name", password=PASSWORD
    )
    identity = PwdIdentity(methods=["password"], password=PwdPassword(user=user))
    auth = PwdAuth(identity=identity, scope=AuthScope(domain=AuthScopeDomain(name="p1-account")))
    body = KeystoneCreateUserTokenByPasswordRequestBody(auth=auth)
    issued = await call(
        iam.keystone_create_user_token_by_password,
        KeystoneCreateUserTokenByPasswordRequest(body=body),
    )
    assert issued.token.user.name == "op1-name"
    validate = KeystoneValidateTokenRequest(x_subject_token=issued.x_subject_token)
    shown = await call(iam.keystone_validate_token, validate)
    assert shown.token.user.id == "op1"
    assert shown.token.domain.name == "p1-account"


async def test_the_sdk_learns_its_accounts_id(gate: Gate) -> None:
    iam = client(IamClient, gate, await story(gate))
    found = await call(iam.keystone_list_auth_domains, KeystoneListAuthDomainsRequest())
    assert [(domain.id, domain.name) for domain in found.domains] == [("p1", "p1-account")]
