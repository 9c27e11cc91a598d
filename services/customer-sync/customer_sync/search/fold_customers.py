"""What people search customers by, as the database folds it (decision 0074)."""

# A column's text in SQL: what the trigger folded, or the lower case where that is the folding.
FOLDED = {
    "account_name": "coalesce(folded_account_name, lower(account_name))",
    "customer_name": "coalesce(folded_customer_name, lower(customer_name))",
    "label": "coalesce(folded_label, label)",
}
