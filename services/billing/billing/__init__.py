"""Prices, accounts, funds and bill lines."""
