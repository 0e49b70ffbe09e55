"""A small invented province to try Minsheng on: policies, plans, and a local site that speaks every source kind."""
