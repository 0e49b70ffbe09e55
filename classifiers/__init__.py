"""Documents to assessed documents: models with heads, and policy linking."""
