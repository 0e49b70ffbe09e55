"""Imports every module that declares tables, so that migrations and `Store.create_all` see all of them."""

import minsheng.policies.tables  # noqa: F401
