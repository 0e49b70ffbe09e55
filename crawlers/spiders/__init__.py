"""The kinds of sources: one spider a file, found by looking into this folder.

A new kind is a new file with one subclass of `crawlers.spiders.base.SourceSpider`; see
docs/how-to/add-a-source-kind.md.
"""

from __future__ import annotations

import importlib
import pkgutil

from crawlers.spiders.base import SourceSpider


def discover() -> dict[str, type[SourceSpider]]:
    """All spiders by the kind of source they read."""
    found: dict[str, type[SourceSpider]] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for value in vars(loaded).values():
            if not (isinstance(value, type) and issubclass(value, SourceSpider)):
                continue
            if value.__module__ == loaded.__name__ and value.kind:
                found[value.kind] = value
    return dict(sorted(found.items()))


KINDS = discover()
