"""The house rules as functions of a checkout; each breach says where it is and what to do."""
