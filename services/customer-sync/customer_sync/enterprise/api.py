"""The HTTP door of enterprises; all of it is the authority's alone."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import Database, HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.codes.code_senders import CodeSender
from customer_sync.enterprise.add_organization import NewOrganization, add_organization
from customer_sync.enterprise.create_sub_enterprise_account import (
    NewMembership,
    check_fields,
    create_sub_enterprise_account,
)
from customer_sync.enterprise.find_master import find_master
from customer_sync.enterprise.leave_master import leave_master
from customer_sync.enterprise.list_enterprise_organizations import (
    OrganizationsWanted,
    list_enterprise_organizations,
)
from customer_sync.enterprise.list_enterprise_sub_customers import (
    MembersWanted,
    list_enterprise_sub_customers,
)
from customer_sync.enterprise.make_master import NewEnterprise, make_master
from customer_sync.enterprise.member_codes import try_member_code
from customer_sync.enterprise.models import Organization
from customer_sync.enterprise.rename_organization import OrganizationName, rename_organization
from customer_sync.enterprise.send_sms_verification_code import (
    SendSmsVerificationCode,
    send_sms_verification_code,
)
from customer_sync.read_body import read_body
from customer_sync.settings import CustomerSyncSettings

router = Router()


@router.get("/v2/enterprises/multi-accounts/enterprise-organizations")
async def organizations(
    wanted: Annotated[OrganizationsWanted, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_enterprise_organizations."""
    return JsonAnswer(await list_enterprise_organizations(session, principal, wanted))


@router.get("/v2/enterprises/multi-accounts/sub-customers")
async def members(
    wanted: Annotated[MembersWanted, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_enterprise_sub_customers."""
    page, count = await list_enterprise_sub_customers(session, principal, wanted)
    return JsonAnswer({"total_count": count, "sub_customer_infos": page})


@router.post("/v2/enterprises/multi-accounts/sub-customers")
async def create(request: Request, principal: CurrentPrincipal, now: Now) -> Response:
    """create_sub_enterprise_account, in two transactions: a wrong code counts though refused."""
    settings: CustomerSyncSettings = request.app.state.settings
    database: Database = request.app.state.database
    wanted = await read_body(NewMembership, await request.body())
    check_fields(wanted)
    new = wanted.new_sub_customer
    if new.proves and new.verification_code:
        async with database.transaction_as(principal) as session:
            master = await find_master(session, principal)
            refusal = await try_member_code(
                session, settings.keys, master, new.proves, new.verification_code, now
            )
        if refusal is not None:
            raise refusal
    async with database.transaction_as(principal) as session:
        await create_sub_enterprise_account(session, principal, wanted, settings, now)
    return Response(status_code=204)


@router.post("/v2/enterprises/multi-accounts/sm-verification-code")
async def send_code(request: Request, principal: CurrentPrincipal, now: Now) -> Response:
    """send_sms_verification_code; the message leaves after the commit."""
    settings: CustomerSyncSettings = request.app.state.settings
    database: Database = request.app.state.database
    sender: CodeSender = request.app.state.code_sender
    wanted = await read_body(SendSmsVerificationCode, await request.body())
    async with database.transaction_as(principal) as session:
        message = await send_sms_verification_code(session, principal, wanted, settings, now)
    await sender.send(message)
    return Response(status_code=204)


@router.post("/api/customers/{customer_id}/enterprise")
async def make(
    customer_id: str,
    wanted: NewEnterprise,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Make a customer an enterprise master, as the vendor would."""
    root = await make_master(session, principal, customer_id, wanted, now)
    return await idempotency.answer(201, _organization(root))


@router.post("/api/enterprise/organizations")
async def add(
    wanted: NewOrganization,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Add a unit."""
    added = await add_organization(session, principal, wanted, now)
    return await idempotency.answer(201, _organization(added))


@router.patch("/api/enterprise/organizations/{organization_id}")
async def rename(
    organization_id: str,
    wanted: OrganizationName,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """Rename a unit."""
    renamed = await rename_organization(session, principal, organization_id, wanted, now)
    return JsonAnswer(_organization(renamed))


@router.post("/api/enterprise/members/{customer_id}/leaving")
async def leave(
    customer_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Let a member go."""
    left = await leave_master(session, principal, customer_id, now)
    shown = {"customer_id": left.customer_id, "status": left.status, "left_at": left.left_at}
    return await idempotency.answer(201, shown)


def _organization(unit: Organization) -> dict[str, Any]:
    return {
        "master_id": unit.master_id,
        "organization_id": unit.id,
        "parent_id": unit.parent_id,
        "name": unit.name,
    }
