"""Customers, their association, authorizations and the sweep of an upstream."""
