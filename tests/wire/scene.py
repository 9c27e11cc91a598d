"""Two partners with all that a partner can have, and a distributor with its reseller."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.flows.cast import XACCOUNT_TYPE, Caller, Stage, eventually, lasting_cycle
from tests.flows.deeds import Customer, pay, place_order
from wire.times import BEIJING

CUSTOMERS = "/v2/partners/sub-customers"
TRANSFERS = "/v2/accounts/partner-accounts/adjust-amount"
TO_MEMBER = "/v2/enterprises/multi-accounts/transfer-amount"
TO_RESELLER = "/v2/accounts/partner-accounts/indirect-partner-adjust"
COUPONS = "/v2/promotions/benefits/partner-coupons"
HAND_OUT = "/v2/partners/coupon-quotas/indirect-partner-adjust"
UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"
SMS = "/v2/enterprises/multi-accounts/sm-verification-code"
PACKAGE = {
    "resource_type_code": "hws.resource.type.pkg.vm",
    "resource_spec_code": "pkg.ecs.s6.750h",
}
USE = {
    "service_type_code": "hws.service.type.ec2",
    "resource_type_code": "hws.resource.type.vm",
    "resource_spec_code": "s6.small.1.linux",
    "region_code": "cn-north-4",
    "resource_id": "metered",
    "usage_value": "0.5",
}
CURRENCIES = {"china": "CNY", "international": "USD"}
ON_DEMAND = {"charging_mode": 3, "period_type": None, "period_num": None}  # of an order's line
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
    refund_order_id: str  # an unsubscription
    transfer_id: str
    unlinked: Customer
    person: Customer  # with a verified name
    master: Customer  # an enterprise's
    organization_id: str  # a unit of it, with a member
    member_id: str
    cycle: str  # of the order and its bill
    stage: Stage
    free_resource_id: str = ""  # an item of a package, of which something was used
    # What the scene's distributor has, for whoever acts as it.
    distributor: Caller | None = None
    reseller_id: str = ""
    parent_quota_id: str = ""
    child_quota_id: str = ""  # handed out to the reseller

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

    def new_child_quota(self) -> str:
        """One more quota that the distributor handed out to its reseller."""
        assert self.distributor is not None
        return hand_out(self.distributor, self.parent_quota_id, self.reseller_id)

    def new_own_coupon(self) -> str:
        """One more coupon that the vendor gave to the enterprise's master."""
        given = self.stage.admin("POST", "/api/coupons", {
            "holder_id": self.master.id, "coupon_type": 1, "origin": "activity",
            "face_value": "5.00", "effective_at": "2026-01-01T00:00:00Z",
            "expire_at": "2029-12-31T00:00:00Z",
        })  # fmt: skip
        return str(given["coupon_id"])

    def new_card(self) -> str:
        """One more stored value card of the customer."""
        given = self.stage.admin("POST", "/api/stored-value-cards", {
            "customer_id": self.customer.id, "card_name": "gift", "face_value": "5.00",
            "effective_at": "2026-01-01T00:00:00Z", "expire_at": "2029-12-31T00:00:00Z",
        })  # fmt: skip
        return str(given["card_id"])

    def new_adjusted_quota(self) -> str:
        """One more quota of the partner, in status 4."""
        quota_id = self.stage.quota(self.partner.domain_id)
        self.stage.admin("PATCH", f"/api/quotas/{quota_id}", {"quota_status": 4})
        return quota_id

    def new_resource(self) -> str:
        """One more resource of its customer, paid and open."""
        order_id = self.new_order()
        pay(self.customer.caller, order_id)
        return _resource(self.customer.caller, order_id)

    def new_order(self) -> str:
        """One more order of its customer, to be paid."""
        return str(place_order(self.partner, self.customer.id)["order_id"])

    def agree(self) -> dict[str, Any]:
        """An agreement of its partner about something that nobody buys; how it is asked for."""
        granted = {
            "customer_id": self.partner.domain_id, "discount_type": 2, "discount_mode": 0,
            "discount_value": "0.99", "name": "agreed", "product_ids": ["OFFI-DC-1G"],
            "charging_modes": ["3_YEARLY"], "agreement_number": "AG-1",
            "steps": [{"above": 0, "value": "0.99"}, {"above": 10, "value": "0.9"}],
        }  # fmt: skip
        self.stage.admin("POST", "/api/discounts", granted)
        return {"quoting_item_type": "PRODUCT_ITEM"}

    def new_request(self) -> str:
        """One more order that its customer asks the partner to pay; the request's id."""
        path = f"/api/orders/{self.new_order()}/payment-request"
        return str(self.customer.caller.post(path, None)["request_id"])


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
    distributor.post(TO_RESELLER, {"indirect_partner_id": reseller, "amount": "5.00"})
    parent = stage.quota(distributor.domain_id)
    ours = replace(
        estate(stage), distributor=distributor, reseller_id=reseller, parent_quota_id=parent,
        child_quota_id=hand_out(distributor, parent, reseller),
    )  # fmt: skip
    return Scene(stage, ours, estate(stage), distributor, reseller, created, foreign)


def hand_out(distributor: Caller, parent_quota_id: str, reseller_id: str) -> str:
    """A quota of 5 for the reseller."""
    told = {
        "quota_id": parent_quota_id, "indirect_partner_ids": [reseller_id], "quota_amount": "5.00",
    }  # fmt: skip
    return str(distributor.post(HAND_OUT, told)["simple_quota_infos"][0]["quota_id"])


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
    partner.post("/api/discounts", {
        "customer_id": customer.id, "discount_type": 3, "discount_mode": 0,
        "discount_value": "0.95", "name": "regular",
    })  # fmt: skip
    on_demand = place_order(partner, customer.id, **ON_DEMAND)
    pay(customer.caller, str(on_demand["order_id"]))
    order_id = str(place_order(partner, customer.id)["order_id"])
    pay(customer.caller, order_id)
    _wait_for_bill(partner, customer.id, cycle)
    stage.unlink(partner, unlinked.caller)
    named = {"customer_name": "李雷", "customer_type": 0}
    stage.admin("POST", f"/api/customers/{person.id}/verification", named)
    made = Estate(
        site, partner, quota_id, customer, coupon_id, order_id,
        _resource(customer.caller, order_id), "", transfer_id, unlinked, person, master,
        _found_enterprise(stage, master), "", cycle, stage,
    )  # fmt: skip
    told = {"resource_ids": [made.new_resource()], "unsubscribe_type": 1}
    [refund_order_id] = customer.caller.post(UNSUBSCRIBE, told)["order_ids"]
    return replace(
        made,
        member_id=_add_member(made),
        refund_order_id=refund_order_id,
        free_resource_id=_use_package(made),
    )


def _found_enterprise(stage: Stage, master: Customer) -> str:
    """Make it a master; the id of a unit of its organisation."""
    named = {"customer_name": "甲公司", "customer_type": 1}
    stage.admin("POST", f"/api/customers/{master.id}/verification", named)
    stage.admin("POST", f"/api/customers/{master.id}/enterprise", {"name": "集团"})
    added = master.caller.post("/api/enterprise/organizations", {"name": "华北"})
    return str(added["organization_id"])


def _add_member(one: Estate) -> str:
    """A member that has some money of its master's."""
    one.master.caller.post(MEMBERS, one.new_member(one.organization_id))
    (member,) = one.master.caller.get(MEMBERS)["sub_customer_infos"]
    one.partner.post(TRANSFERS, {"customer_id": one.master.id, "amount": "900.00"})
    one.master.caller.post(TO_MEMBER, {"customer_id": member["id"], "amount": "300.00"})
    return str(member["id"])


def _use_package(one: Estate) -> str:
    """The item of a package that was bought and used."""
    caller = one.customer.caller
    pay(caller, str(place_order(one.partner, one.customer.id, **PACKAGE)["order_id"]))
    listed = "/v3/payments/free-resources/query"
    [package] = eventually(lambda: caller.post(listed, {})["free_resource_packages"], bool)
    today = datetime.now(UTC).astimezone(BEIJING).date()
    days = f"deduct_time_begin={today - timedelta(days=1)}&deduct_time_end={today}"
    records = f"/v2/bills/customer-bills/free-resources-usage-records?{days}"

    def used() -> Any:
        """Used until billing has heard of the package."""
        told = {**USE, "record_id": uuid4().hex, "customer_id": one.customer.id}
        told["used_until"] = datetime.now(UTC).isoformat()
        one.stage.admin("POST", "/api/usage-records", {"records": [told]})
        return caller.get(records)["free_resource_records"]

    eventually(used, bool)
    return str(package["free_resources"][0]["free_resource_id"])


def adjustment(one: Estate) -> dict[str, Any]:
    """What compensates its customer for a cent of a line that it was charged."""
    path = f"/v2/bills/subcustomer-bills/res-fee-records?bill_cycle={one.cycle}"
    lines = one.partner.get(f"{path}&customer_id={one.customer.id}&limit=100")["fee_records"]
    charged = next(line for line in lines if line["payment_amount"] > 1)
    return {"line_id": charged["id"], "bill_type": 9, "amount": "0.01", "reason": "goodwill"}


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
