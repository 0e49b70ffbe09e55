"""One scene a kind of source: what its site serves, and what a crawl of it must give.

A new kind adds a module here, named like the kind, with its `SCENE`; the shared checks of test_crawl_every_kind.py then
run over it.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from minsheng.records import Document
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import BODY, Scene, article

__all__ = ["BODY", "SCENES", "Scene", "article", "put_up", "words"]


def discover() -> dict[str, Scene]:
    """All scenes by the kind of source that they are for."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {module.__name__.rpartition(".")[2]: module.SCENE for module in modules if hasattr(module, "SCENE")}


SCENES = discover()


def put_up(
    kind: str, site: LocalSite, time: str = "2026-11-23 12:30", charset: str = "utf-8"
) -> tuple[str, dict[str, Any]]:
    """Serve a kind's scene; returns the source's address and options."""
    scene = SCENES[kind]
    path = scene.build(site, time, charset)
    return f"{site.url}{path}", scene.options(site.url)


def words(document: Document) -> str:
    """What a scene's `expect` names a document by."""
    return document.title or document.text
