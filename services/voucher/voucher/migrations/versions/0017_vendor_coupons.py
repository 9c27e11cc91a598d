"""Coupons that the vendor issues itself, which have no quota; groups; coupons of applications."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE coupons ALTER COLUMN quota_id DROP NOT NULL",
    "ALTER TABLE coupons ADD COLUMN coupon_group bigint NOT NULL DEFAULT 0",
    "ALTER TABLE coupons ADD COLUMN origin text",
    "ALTER TABLE coupons ADD CONSTRAINT origin_of_vendors"
    " CHECK ((quota_id IS NULL) = (origin IS NOT NULL))",
    "ALTER TABLE applications ADD COLUMN coupon_id text",
    "ALTER TABLE applications DROP CONSTRAINT approved_amounts",
    "ALTER TABLE applications ADD CONSTRAINT approved_amounts"
    " CHECK ((status IN ('approved', 'issued')) = (approved_amount IS NOT NULL))",
    "ALTER TABLE applications ADD CONSTRAINT issued_coupons"
    " CHECK ((status = 'issued') = (coupon_id IS NOT NULL))",
)


def upgrade() -> None:
    """Go forward; what was approved before has no coupon, and stays approved."""
    for statement in _STATEMENTS:
        op.execute(statement)
