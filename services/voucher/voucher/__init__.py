"""Quotas, coupons and every movement of each."""
