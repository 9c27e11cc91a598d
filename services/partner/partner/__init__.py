"""Partner accounts, their resellers and operators."""
