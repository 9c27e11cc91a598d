"""The event of what was taken from a package."""

from datetime import datetime

from billing.usage.models import PackageDeduction
from contracts.billing import BillingPackageDeducted


def package_deducted(deduction: PackageDeduction, now: datetime) -> BillingPackageDeducted:
    """The deduction as it was made."""
    return BillingPackageDeducted(
        occurred_at=now,
        partner_id=deduction.partner_id,
        distributor_id=deduction.distributor_id,
        version=1,
        deduction_id=deduction.deduction_id,
        customer_id=deduction.customer_id,
        package_id=deduction.package_id,
        free_resource_id=deduction.item_id,
        record_id=deduction.record_id,
        cycle_begin_at=deduction.cycle_begin_at,
        cycle_end_at=deduction.cycle_end_at,
        number=deduction.number,
        resource_id=deduction.resource_id,
        resource_type_code=deduction.resource_type_code,
        resource_type_name=deduction.resource_type_name,
        usage_type_code=deduction.usage_type_code,
        measure_id=deduction.measure_id,
        available_amount=deduction.available_amount,
        used_amount=deduction.used_amount,
        remaining_amount=deduction.remaining_amount,
        used_from=deduction.used_from,
        used_until=deduction.used_until,
        deducted_at=deduction.deducted_at,
    )
