"""The HTTP door of enterprises; all of it is the authority's alone."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now, WallNow
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.enterprise.add_organization import AddOrganization, add_organization
from customer_sync.enterprise.create_sub_enterprise_account import (
    CreateSubEnterpriseAccount,
    check_fields,
    create_sub_enterprise_account,
)
from customer_sync.enterprise.find_master import find_master
from customer_sync.enterprise.leave_master import leave_master
from customer_sync.enterprise.list_enterprise_organizations import (
    ListEnterpriseOrganizations,
    list_enterprise_organizations,
)
from customer_sync.enterprise.list_enterprise_sub_customers import (
    ListEnterpriseSubCustomers,
    list_enterprise_sub_customers,
)
from customer_sync.enterprise.make_master import MakeMaster, make_master
from customer_sync.enterprise.member_codes import try_member_code
from customer_sync.enterprise.native_answers import (
    LeavingAnswer,
    OrganizationAnswer,
    native_leaving,
    native_organization,
)
from customer_sync.enterprise.rename_organization import RenameOrganization, rename_organization
from customer_sync.enterprise.send_sms_verification_code import (
    SendSmsVerificationCode,
    send_sms_verification_code,
)
from customer_sync.parts import CurrentParts

router = Router()


@router.get("/v2/enterprises/multi-accounts/enterprise-organizations")
async def organizations(
    wanted: Annotated[ListEnterpriseOrganizations, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_enterprise_organizations."""
    return JsonAnswer(await list_enterprise_organizations(session, principal, wanted))


@router.get("/v2/enterprises/multi-accounts/sub-customers")
async def members(
    wanted: Annotated[ListEnterpriseSubCustomers, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_enterprise_sub_customers."""
    page, count = await list_enterprise_sub_customers(session, principal, wanted)
    return JsonAnswer({"total_count": count, "sub_customer_infos": page})


@router.post("/v2/enterprises/multi-accounts/sub-customers")
async def create(
    wanted: CreateSubEnterpriseAccount,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    now: Now,
    wall_now: WallNow,
) -> Response:
    """create_sub_enterprise_account, in two transactions: a wrong code counts though refused."""
    check_fields(wanted)
    new = wanted.new_sub_customer
    if new.proves and new.verification_code:
        async with parts.database.transaction_as(principal) as session:
            master = await find_master(session, principal)
            refusal = await try_member_code(
                session, parts.settings.keys, master, new.proves, new.verification_code, wall_now
            )
        if refusal is not None:
            raise refusal
    async with parts.database.transaction_as(principal) as session:
        await create_sub_enterprise_account(
            session, principal, wanted, parts.settings, now, wall_now
        )
    return Response(status_code=204)


@router.post("/v2/enterprises/multi-accounts/sm-verification-code")
async def send_code(
    wanted: SendSmsVerificationCode, parts: CurrentParts, principal: CurrentPrincipal, now: WallNow
) -> Response:
    """send_sms_verification_code; the message leaves after the commit."""
    async with parts.database.transaction_as(principal) as session:
        message = await send_sms_verification_code(session, principal, wanted, parts.settings, now)
    await parts.code_sender.send(message)
    return Response(status_code=204)


@router.post("/api/customers/{customer_id}/enterprise", response_model=OrganizationAnswer)
async def make(
    customer_id: str,
    wanted: MakeMaster,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Make a customer an enterprise master, as the vendor would."""
    root = await make_master(session, principal, customer_id, wanted, now)
    return await idempotency.answer(native_organization(root))


@router.post("/api/enterprise/organizations", response_model=OrganizationAnswer)
async def add(
    wanted: AddOrganization,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Add a unit."""
    added = await add_organization(session, principal, wanted, now)
    return await idempotency.answer(native_organization(added))


@router.patch("/api/enterprise/organizations/{organization_id}", response_model=OrganizationAnswer)
async def rename(
    organization_id: str,
    wanted: RenameOrganization,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """Rename a unit."""
    renamed = await rename_organization(session, principal, organization_id, wanted, now)
    return JsonAnswer(native_organization(renamed))


@router.post("/api/enterprise/members/{customer_id}/leaving", response_model=LeavingAnswer)
async def leave(
    customer_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Let a member go."""
    left = await leave_master(session, principal, customer_id, now)
    return await idempotency.answer(native_leaving(left))
