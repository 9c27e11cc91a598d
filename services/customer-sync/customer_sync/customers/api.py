"""The door to customers: the vendor's operations, and the native API to bring and change."""

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now, WallNow
from chassis.database import HttpSession
from chassis.etags import etag, version_of
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from chassis.site_body import SiteBody
from contracts.customer import Customer
from customer_sync.codes.verification_codes import try_code
from customer_sync.customers.await_association import AssociationLateError, await_association
from customer_sync.customers.change_customer import ChangeCustomer, change_customer
from customer_sync.customers.check_user_identity import CheckUserIdentity, check_user_identity
from customer_sync.customers.create_sub_customer import (
    CreateSubCustomer,
    CreateSubCustomerAbroad,
    check_fields,
    check_xaccount,
    create_sub_customer,
)
from customer_sync.customers.import_customers import ImportCustomers, import_customers
from customer_sync.customers.list_new_customer_tags import (
    NO_FILTER,
    ListNewCustomerTags,
    list_new_customer_tags,
)
from customer_sync.customers.open_enterprise_projects import open_enterprise_projects
from customer_sync.customers.send_verification_code import (
    SendVerificationCode,
    SendVerificationCodeAbroad,
    send_verification_code,
)
from customer_sync.customers.shown import (
    CustomersAnswer,
    NewCustomerTagAnswer,
    native_customer,
    native_customers,
)
from customer_sync.customers.tag_new_customer import TagNewCustomer, tag_new_customer
from customer_sync.parts import CurrentParts

router = Router()
NewCustomer = Annotated[
    CreateSubCustomer | CreateSubCustomerAbroad,
    Depends(SiteBody(CreateSubCustomer, CreateSubCustomerAbroad)),
]
WantedCode = Annotated[
    SendVerificationCode | SendVerificationCodeAbroad,
    Depends(SiteBody(SendVerificationCode, SendVerificationCodeAbroad)),
]


@router.post("/v2/partners/sub-customers")
async def create(
    new: NewCustomer,
    request: Request,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    now: Now,
    wall_now: WallNow,
) -> Response:
    """create_sub_customer, in two transactions: a wrong code counts although it is refused."""
    check_fields(new)
    if new.receiver and new.verification_code:
        async with parts.database.transaction_as(principal) as session:
            await check_xaccount(session, new.xaccount_type, new.xaccount_id)
            asked = (principal.id, new.receiver, new.verification_code)
            refusal = await try_code(session, parts.settings.keys, *asked, wall_now)
            if refusal is not None:  # used by an equal request that has just ended?
                await check_xaccount(session, new.xaccount_type, new.xaccount_id)
        if refusal is not None:
            raise refusal
    async with parts.database.transaction_as(principal) as session:
        customer = await create_sub_customer(session, principal, new, parts.settings, now, wall_now)
    made = {"domain_id": customer.id, "domain_name": customer.account_name}
    wait_seconds = parts.settings.association_wait_seconds
    if new.include_association_result and not await await_association(
        parts.database, principal, customer, wait_seconds
    ):
        late = AssociationLateError()
        message = late.message(request.headers.get("x-language", ""))
        told = {"error_code": late.refusal_code, "error_msg": message}
        return JsonAnswer({**told, **made}, late.status)
    return JsonAnswer(made)


@router.post("/v2/partners/sub-customers/users/check-identity")
async def check_identity(
    wanted: CheckUserIdentity, parts: CurrentParts, session: HttpSession
) -> Response:
    """check_user_identity; an upstream's names are known there, not here."""
    answer = await check_user_identity(session, wanted, parts.settings.mobile_accounts_max)
    return JsonAnswer(answer)


@router.post("/v2/bases/verificationcode/send")
async def send_code(
    wanted: WantedCode, parts: CurrentParts, principal: CurrentPrincipal, now: WallNow
) -> Response:
    """send_verification_message_code; the message leaves after the commit."""
    async with parts.database.transaction_as(principal) as session:
        message = await send_verification_code(session, principal, wanted, parts.settings, now)
    await parts.code_sender.send(message)
    return Response(status_code=204)


@router.post("/v2/partners/sub-customers/new-customers-tags/batch-query")
async def new_customer_tags(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: ListNewCustomerTags = NO_FILTER,
) -> Response:
    """list_sub_customer_new_tag; an upstream's tags are known there, not here."""
    page = await list_new_customer_tags(session, principal, wanted, now)
    return JsonAnswer({"new_customer_tags": page})


@router.post("/v2/enterprises/enterprise-projects/authority")
async def open_projects(principal: CurrentPrincipal, session: HttpSession, now: Now) -> Response:
    """create_enterprise_project_auth."""
    await open_enterprise_projects(session, principal, now)
    return Response(status_code=204)


@router.post("/api/customers", response_model=CustomersAnswer)
async def bring(
    wanted: ImportCustomers,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Create many customers at once."""
    made = await import_customers(session, principal, wanted, parts.settings, now)
    return await idempotency.answer(native_customers(made))


@router.patch("/api/customers/{customer_id}", response_model=Customer)
async def change(
    customer_id: str,
    changes: ChangeCustomer,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Change label or account manager."""
    expected = version_of(if_match)
    customer = await change_customer(session, principal, customer_id, changes, expected, now)
    answer = JsonAnswer(native_customer(customer))
    answer.headers["ETag"] = etag(customer.version)
    return answer


@router.post("/api/customers/{customer_id}/new-customer-tag", response_model=NewCustomerTagAnswer)
async def tag(
    customer_id: str,
    new: TagNewCustomer,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Tag a customer as new or not, as the vendor would."""
    given = await tag_new_customer(session, principal, customer_id, new, now)
    return await idempotency.answer(NewCustomerTagAnswer.of(given))
