"""The event loop that Scrapy runs in: one thread a process, started at first use.

Twisted's reactor can be installed and run only once in a process, while crawls are wanted from the main thread (the
command line), from another one (`minsheng run`), and again and again (tests). So the reactor lives in a thread of its
own, and work is handed to its loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def crawl_loop() -> asyncio.AbstractEventLoop:
    """The running loop that crawls belong to."""
    with _lock:
        if not _loops:
            started = threading.Event()
            thread = threading.Thread(target=_serve, args=(started,), name="crawl-reactor", daemon=True)
            thread.start()
            started.wait()
        return _loops[0]


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Start `work` in the crawl loop, from any other thread."""
    return asyncio.run_coroutine_threadsafe(work, crawl_loop())


def _serve(started: threading.Event) -> None:
    from scrapy.utils.reactor import install_reactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    from crawlers.addresses import GuardedResolver

    reactor.installNameResolver(GuardedResolver(reactor.nameResolver))

    def ready() -> None:
        _loops.append(asyncio.get_event_loop())
        started.set()

    reactor.callWhenRunning(ready)
    # Signals belong to the process' main thread.
    reactor.run(installSignalHandlers=False)  # type: ignore[misc,call-arg]
