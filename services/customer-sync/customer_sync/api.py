"""The HTTP door: the vendor's customer operations, and the native API for what it has none for."""

from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import Database, HttpSession
from chassis.errors import RefusedError
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.association.api import commands as association_commands
from customer_sync.association.api import router as association
from customer_sync.association.await_association import AssociationLateError, await_association
from customer_sync.authorizations.decide_authorization import Decision, decide_authorization
from customer_sync.authorizations.list_authorizations import (
    AuthorizationsWanted,
    list_authorizations,
)
from customer_sync.authorizations.models import Authorization
from customer_sync.authorizations.request_authorization import request_authorization
from customer_sync.codes.code_senders import CodeSender
from customer_sync.codes.send_verification_code import code_model_of, send_verification_code
from customer_sync.codes.verification_codes import try_code
from customer_sync.customers.change_customer import CustomerChanges, change_customer, version_of
from customer_sync.customers.check_user_identity import CheckUserIdentity, check_user_identity
from customer_sync.customers.create_sub_customer import (
    check_fields,
    check_xaccount,
    create_sub_customer,
    model_of,
)
from customer_sync.customers.import_customers import CustomersImport, import_customers
from customer_sync.customers.list_new_customer_tags import TagsWanted, list_new_customer_tags
from customer_sync.customers.models import Customer
from customer_sync.customers.open_enterprise_projects import open_enterprise_projects
from customer_sync.customers.tag_new_customer import NewTag, tag_new_customer
from customer_sync.enterprise.api import router as enterprise
from customer_sync.freezing.api import router as freezing
from customer_sync.list_divisions import (
    CITIES,
    COUNTIES,
    COUNTRY,
    PROVINCES,
    CitiesWanted,
    CountiesWanted,
    Divisions,
    ProvincesWanted,
    list_divisions,
)
from customer_sync.read_body import read_body
from customer_sync.realname.api import router as realname
from customer_sync.realname.verify_customer import (
    Verification,
    Verifications,
    verify_customer,
    verify_customers,
)
from customer_sync.saml.api import router as saml
from customer_sync.search.list_older_customers import OlderCustomersWanted, list_older_customers
from customer_sync.search.list_sub_customers import list_sub_customers, search_model_of
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep.list_sweeps import list_sweeps, shown
from customer_sync.sweep.start_sweep import request_sweep


class ConnectedModeError(RefusedError):
    """Another Partner Center is the authority; a command carried out here would be a lie."""

    code = "CHB.0002"


async def _standalone(request: Request, _principal: CurrentPrincipal) -> None:
    """Refuse what only the authority may do or know."""
    if request.app.state.settings.connected:
        raise ConnectedModeError


async def _divisions(request: Request, _principal: CurrentPrincipal) -> Divisions:
    """As loaded with the application."""
    divisions: Divisions = request.app.state.divisions
    return divisions


CurrentDivisions = Annotated[Divisions, Depends(_divisions)]

# A caller without identity is refused for that (401) before the mode is looked at (501).
router = Router()
commands = Router(dependencies=[Depends(_standalone)])
commands.include_router(realname)
commands.include_router(enterprise)
commands.include_router(association_commands)
commands.include_router(freezing)
commands.include_router(saml)
router.include_router(association)


@commands.post("/v2/partners/sub-customers")
async def create(request: Request, principal: CurrentPrincipal, now: Now) -> Response:
    """create_sub_customer, in two transactions: a wrong code counts although it is refused."""
    settings: CustomerSyncSettings = request.app.state.settings
    database: Database = request.app.state.database
    new = await read_body(model_of(principal.site), await request.body())
    check_fields(new)
    if new.receiver and new.verification_code:
        async with database.transaction_as(principal) as session:
            await check_xaccount(session, new.xaccount_type, new.xaccount_id)
            refusal = await try_code(
                session, settings.keys, principal.id, new.receiver, new.verification_code, now
            )
            if refusal is not None:  # used by an equal request that has just ended?
                await check_xaccount(session, new.xaccount_type, new.xaccount_id)
        if refusal is not None:
            raise refusal
    async with database.transaction_as(principal) as session:
        customer = await create_sub_customer(session, principal, new, settings, now)
    made = {"domain_id": customer.id, "domain_name": customer.account_name}
    wait_seconds = settings.association_wait_seconds
    if new.include_association_result and not await await_association(
        database, principal, customer, wait_seconds
    ):
        late = AssociationLateError()
        message = late.message(request.headers.get("x-language", ""))
        told = {"error_code": late.refusal_code, "error_msg": message}
        return JsonAnswer({**told, **made}, late.status)
    return JsonAnswer(made)


@commands.post("/v2/partners/sub-customers/users/check-identity")
async def check_identity(
    request: Request, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """check_user_identity; an upstream's names are known there, not here."""
    settings: CustomerSyncSettings = request.app.state.settings
    wanted = await read_body(CheckUserIdentity, await request.body())
    answer = await check_user_identity(session, principal, wanted, settings.mobile_accounts_max)
    return JsonAnswer(answer)


@commands.post("/v2/bases/verificationcode/send")
async def send_code(request: Request, principal: CurrentPrincipal, now: Now) -> Response:
    """send_verification_message_code; the message leaves after the commit."""
    settings: CustomerSyncSettings = request.app.state.settings
    database: Database = request.app.state.database
    sender: CodeSender = request.app.state.code_sender
    wanted = await read_body(code_model_of(principal.site), await request.body())
    async with database.transaction_as(principal) as session:
        message = await send_verification_code(session, principal, wanted, settings, now)
    await sender.send(message)
    return Response(status_code=204)


@router.post("/v2/partners/sub-customers/query")
async def customers(request: Request, principal: CurrentPrincipal) -> Response:
    """list_sub_customers, the hottest read: past SQLAlchemy (benchmarks/wire.py)."""
    database: Database = request.app.state.database
    wanted = await read_body(search_model_of(principal.site), await request.body())
    page, count = await list_sub_customers(database, principal, wanted)
    return JsonAnswer({"count": count, "customer_infos": page})


@router.post("/v1.0/{partner_id}/partner/customer-mgr/query")
async def older_customers(
    partner_id: str, request: Request, principal: CurrentPrincipal
) -> Response:
    """query_customers_old."""
    database: Database = request.app.state.database
    wanted = await read_body(OlderCustomersWanted, await request.body())
    page, count = await list_older_customers(database, principal, partner_id, wanted)
    return JsonAnswer({"count": count, "customerInfoList": page})


@commands.post("/v2/partners/sub-customers/new-customers-tags/batch-query")
async def new_customer_tags(
    request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """list_sub_customer_new_tag; an upstream's tags are known there, not here."""
    wanted = await read_body(TagsWanted, await request.body())
    page = await list_new_customer_tags(session, principal, wanted, now)
    return JsonAnswer({"new_customer_tags": page})


@commands.post("/v2/enterprises/enterprise-projects/authority")
async def open_projects(principal: CurrentPrincipal, session: HttpSession, now: Now) -> Response:
    """create_enterprise_project_auth."""
    await open_enterprise_projects(session, principal, now)
    return Response(status_code=204)


@router.get("/v2/systems/configs/provinces")
async def provinces(
    wanted: Annotated[ProvincesWanted, Query()], known: CurrentDivisions
) -> Response:
    """list_provinces; there are Chinese names only, whatever X-Language asks for."""
    return JsonAnswer(list_divisions(known, PROVINCES, COUNTRY, wanted.limit, wanted.offset))


@router.get("/v2/systems/configs/cities")
async def cities(wanted: Annotated[CitiesWanted, Query()], known: CurrentDivisions) -> Response:
    """list_cities."""
    above = wanted.province_code
    return JsonAnswer(list_divisions(known, CITIES, above, wanted.limit, wanted.offset))


@router.get("/v2/systems/configs/counties")
async def counties(wanted: Annotated[CountiesWanted, Query()], known: CurrentDivisions) -> Response:
    """list_counties."""
    above = wanted.city_code
    return JsonAnswer(list_divisions(known, COUNTIES, above, wanted.limit, wanted.offset))


@commands.post("/api/customers")
async def bring(
    wanted: CustomersImport,
    request: Request,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Create many customers at once."""
    settings: CustomerSyncSettings = request.app.state.settings
    made = await import_customers(session, principal, wanted, settings, now)
    return await idempotency.answer(201, {"customers": [_customer(one) for one in made]})


@commands.post("/api/customers/verifications")
async def verify_many(
    wanted: Verifications,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Record many verified names, as the vendor would."""
    customers = await verify_customers(session, principal, wanted, now)
    return await idempotency.answer(201, {"customers": [_customer(one) for one in customers]})


@commands.patch("/api/customers/{customer_id}")
async def change(
    customer_id: str,
    changes: CustomerChanges,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Change label or account manager."""
    expected = version_of(if_match)
    customer = await change_customer(session, principal, customer_id, changes, expected, now)
    answer = JsonAnswer(_customer(customer))
    answer.headers["ETag"] = _etag(customer)
    return answer


@commands.post("/api/customers/{customer_id}/verification")
async def verify(
    customer_id: str,
    verification: Verification,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Record a verified name, as the vendor would."""
    customer = await verify_customer(session, principal, customer_id, verification, now)
    return await idempotency.answer(201, _customer(customer), {"ETag": _etag(customer)})


@commands.post("/api/customers/{customer_id}/new-customer-tag")
async def tag(
    customer_id: str,
    new: NewTag,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Tag a customer as new or not, as the vendor would."""
    given = await tag_new_customer(session, principal, customer_id, new, now)
    return await idempotency.answer(201, {"customer_id": given.customer_id, **new.model_dump()})


@commands.post("/api/customers/{customer_id}/authorizations")
async def ask(
    customer_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Ask the customer for an authorization."""
    authorization = await request_authorization(session, principal, customer_id, now)
    return await idempotency.answer(201, _authorization(authorization))


@commands.post("/api/authorizations/{authorization_id}/{decision}")
async def decide(
    authorization_id: str,
    decision: Decision,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Grant, refuse or terminate."""
    decided = await decide_authorization(session, principal, authorization_id, decision, now)
    return await idempotency.answer(200, _authorization(decided))


@router.get("/api/authorizations")
async def authorizations(
    wanted: Annotated[AuthorizationsWanted, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """Authorizations by customer and status."""
    page, following = await list_authorizations(session, principal, wanted)
    shown = [_authorization(authorization) for authorization in page]
    return JsonAnswer({"authorizations": shown, "next": following})


@router.get("/api/sweeps")
async def sweeps(principal: CurrentPrincipal, session: HttpSession, now: Now) -> Response:
    """The last sweeps with their progress."""
    return JsonAnswer({"sweeps": await list_sweeps(session, principal, now)})


@router.post("/api/sweeps")
async def sweep(
    request: Request,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Start a sweep."""
    settings: CustomerSyncSettings = request.app.state.settings
    started = await request_sweep(session, principal, settings, now)
    return await idempotency.answer(201, shown(started, now))


def _etag(customer: Customer) -> str:
    return f'"{customer.version}"'


def _customer(customer: Customer) -> dict[str, Any]:
    manager = {"id": customer.account_manager_id, "name": customer.account_manager_name}
    return {
        "customer_id": customer.id,
        "partner_id": customer.partner_id,
        "account_name": customer.account_name,
        "customer_name": customer.customer_name,
        "association_type": customer.association_type,
        "association_status": customer.association_status,
        "associated_on": customer.associated_on,
        "unlinked_on": customer.unlinked_on,
        "label": customer.label,
        "account_manager": manager if customer.account_manager_id else None,
        "customer_type": customer.customer_type,
        "verified_status": customer.verified_status,
        "version": customer.version,
    }


def _authorization(authorization: Authorization) -> dict[str, Any]:
    return {
        "authorization_id": authorization.id,
        "customer_id": authorization.customer_id,
        "partner_id": authorization.partner_id,
        "status": authorization.status,
        "requested_at": authorization.requested_at,
        "decided_at": authorization.decided_at,
        "ended_at": authorization.ended_at,
        "version": authorization.version,
    }
