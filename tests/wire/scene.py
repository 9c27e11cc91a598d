"""Two partners with all that a partner can have, and a distributor with its reseller."""

import secrets
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from tests.flows.cast import XACCOUNT_TYPE, Caller, Stage, eventually, lasting_cycle
from tests.flows.deeds import Customer, pay, place_order

CUSTOMERS = "/v2/partners/sub-customers"
TRANSFERS = "/v2/accounts/partner-accounts/adjust-amount"
COUPONS = "/v2/promotions/benefits/partner-coupons"
MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"
SMS = "/v2/enterprises/multi-accounts/sm-verification-code"
CURRENCIES = {"china": "CNY", "international": "USD"}
REQUESTS_PER_SECOND = 100_000  # tests ask faster than anybody may


@dataclass(frozen=True)
class Estate:
    """A partner, its quota, a customer with money, a coupon, a paid order and a bill."""

    site: str
    partner: Caller
    quota_id: str
    customer: Customer
    coupon_id: str
    paid_order_id: str
    resource_id: str
    transfer_id: str
    unlinked: Customer
    person: Customer  # with a verified name
    master: Customer  # an enterprise's
    organization_id: str  # a unit of it, with a member
    member_id: str
    cycle: str  # of the order and its bill
    stage: Stage

    def new_member(self, organization_id: str) -> dict[str, Any]:
        """What its master asks for to make one more member; the code was sent already."""
        phone = f"138{secrets.randbelow(10**8):08}"
        named = [{"key": "sub_customer_name", "value": "branch"}]
        self.master.caller.post(SMS, {"mobile_phone": phone, "sm_template_args": named})
        return {
            "party_id": organization_id,
            "sub_customer_association_type": 1,
            "new_sub_customer": {
                "customer_name": f"branch_{uuid4().hex[:12]}",
                "password": "Geheim#2026",
                "mobile_phone": phone,
                "verification_code": self.stage.system.code_sent_to(phone),
            },
        }

    def new_order(self) -> str:
        """One more order of its customer, to be paid."""
        return str(place_order(self.partner, self.customer.id)["order_id"])


@dataclass(frozen=True)
class Scene:
    """Whom the tests ask as, and about what."""

    stage: Stage
    ours: Estate
    theirs: Estate
    distributor: Caller
    reseller_id: str
    resellers_customer: Customer
    foreign_reseller_id: str


def set_scene(stage: Stage) -> Scene:
    """Everything is there when this returns."""
    distributor = unhurried(stage, stage.partner("distributor"))
    other = stage.partner("distributor")
    reseller, foreign = (
        stage.partner("reseller", distributor_id=above.domain_id).domain_id
        for above in (distributor, other)
    )
    created = new_customer(stage, distributor, indirect_partner_id=reseller)
    told = {"customer_id": created.id, "amount": "10.00", "indirect_partner_id": reseller}
    distributor.post(TRANSFERS, told)
    return Scene(
        stage, estate(stage), estate(stage), distributor, reseller, created, foreign
    )  # fmt: skip


def unhurried(stage: Stage, caller: Caller) -> Caller:
    """The caller, with no limit of requests that a test would meet."""
    path = f"/api/principals/{caller.domain_id}/rate-limit"
    stage.admin("PUT", path, {"requests_per_second": REQUESTS_PER_SECOND})
    return caller


def new_customer(stage: Stage, partner: Caller, **fields: Any) -> Customer:
    """A customer of the partner, or of the reseller named, with keys of its own."""
    told = {"xaccount_id": uuid4().hex, "xaccount_type": XACCOUNT_TYPE, **fields}
    made = partner.post(CUSTOMERS, told)
    caller = unhurried(stage, stage.caller(made["domain_id"]))
    return Customer(made["domain_id"], made["domain_name"], caller)


def estate(stage: Stage, site: str = "china") -> Estate:
    """A partner of the site with a history."""
    cycle = lasting_cycle()
    partner = unhurried(stage, stage.partner(site=site))
    quota_id = stage.quota(partner.domain_id, currency=CURRENCIES[site])
    abroad = {"domain_area": "SG"} if site == "international" else {}
    customer, unlinked, person, master = (
        new_customer(stage, partner, **abroad) for _ in range(4)
    )  # fmt: skip
    transfer = {"customer_id": customer.id, "amount": "9000.00"}
    transfer_id = partner.post(TRANSFERS, transfer)["transfer_id"]
    coupon_id = issue_coupon(partner, quota_id, customer.id)
    stage.authorize(partner, customer.caller)
    order_id = str(place_order(partner, customer.id)["order_id"])
    pay(customer.caller, order_id)
    _wait_for_bill(partner, customer.id, cycle)
    stage.unlink(partner, unlinked.caller)
    named = {"customer_name": "李雷", "customer_type": 0}
    stage.admin("POST", f"/api/customers/{person.id}/verification", named)
    made = Estate(
        site, partner, quota_id, customer, coupon_id, order_id,
        _resource(customer.caller, order_id), transfer_id, unlinked, person, master,
        _found_enterprise(stage, master), "", cycle, stage,
    )  # fmt: skip
    return replace(made, member_id=_add_member(made))


def _found_enterprise(stage: Stage, master: Customer) -> str:
    """Make it a master; the id of a unit of its organisation."""
    named = {"customer_name": "甲公司", "customer_type": 1}
    stage.admin("POST", f"/api/customers/{master.id}/verification", named)
    stage.admin("POST", f"/api/customers/{master.id}/enterprise", {"name": "集团"})
    added = master.caller.post("/api/enterprise/organizations", {"name": "华北"})
    return str(added["organization_id"])


def _add_member(one: Estate) -> str:
    one.master.caller.post(MEMBERS, one.new_member(one.organization_id))
    (member,) = one.master.caller.get(MEMBERS)["sub_customer_infos"]
    return str(member["id"])


def issue_coupon(partner: Caller, quota_id: str, customer_id: str) -> str:
    """A cash coupon of 10 for the customer."""
    told = {"quota_id": quota_id, "customer_ids": [customer_id], "face_value": "10.00"}
    return str(partner.post(COUPONS, told)["coupon_infos"][0]["coupon_id"])


def _resource(customer: Caller, order_id: str) -> str:
    path, asked = "/v2/orders/suscriptions/resources/query", {"order_id": order_id}
    (found,) = eventually(lambda: customer.post(path, asked)["data"], bool)
    return str(found["resource_id"])


def _wait_for_bill(partner: Caller, customer_id: str, cycle: str) -> None:
    path = f"/v2/bills/subcustomer-bills/res-fee-records?bill_cycle={cycle}"
    eventually(lambda: partner.get(f"{path}&customer_id={customer_id}")["fee_records"], bool)
