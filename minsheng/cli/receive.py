"""`minsheng receive`: the doors for documents that other collectors deliver, and for feeds' hubs."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse


def receive(
    topic: Annotated[bool, typer.Option("--topic/--no-topic", help="Also read the log's topic of deliveries.")] = True,
    http: Annotated[bool, typer.Option("--http/--no-http", help="Serve the HTTP endpoint.")] = True,
) -> None:
    """Take what other collectors deliver, by HTTP and by a topic, and what feeds' hubs push, until told to stop.

    Who may deliver stands in the settings: receive.collectors. Hubs call where receive.public_url is set.
    """
    from crawlers.delivery import Receiver
    from crawlers.intake import Intake
    from crawlers.privacy import author_keys
    from crawlers.receiving import PATH, DeliveryServer, TopicReader, keys_of_the_moment
    from crawlers.websub.callback import Callback
    from crawlers.websub.subscriptions import PATH as HUB_PATH
    from minsheng.cli.stage import stop_at_signals
    from minsheng.clock import SystemClock
    from minsheng.parts import open_log, topic_partitions

    settings = context.settings()
    collectors, hubs = settings.receive.collectors, settings.receive.public_url
    if not collectors and not hubs:
        raise WrongUse(
            "nobody may deliver, and no hub may call",
            'add to the settings: [[receive.collectors]] source = "...", token = { env = "..." }; '
            "for feeds' hubs: receive.public_url",
        )
    # Hubs come by HTTP alone.
    topic = topic and bool(collectors)
    if not (topic or http):
        raise WrongUse("no door is left open", "leave out --no-topic or --no-http")
    clock = SystemClock()
    stop = stop_at_signals()
    log = open_log(settings)
    log.ensure_topics(topic_partitions(settings))
    store = context.store()
    author_keys(settings, clock.now())  # a key that can't be read is said now

    def receiver() -> Receiver:
        return Receiver(Intake(store, log.producer(), clock), keys_of_the_moment(settings, clock), clock)

    callback = Callback(store, clock) if hubs else None
    server = DeliveryServer(receiver(), settings.receive, callback) if http else None
    reader = TopicReader(receiver(), settings.receive, log, clock) if topic else None
    try:
        if server is not None:
            server.start()
            if collectors:
                context.errors().print(f"deliver to POST {server.url}{PATH}", markup=False, soft_wrap=True)
            if hubs:
                told = f"feeds' hubs call {hubs.rstrip('/')}{HUB_PATH}…, to be led to {server.url}{HUB_PATH}…"
                context.errors().print(told, markup=False, soft_wrap=True)
        if reader is not None:
            thread = threading.Thread(target=reader.run, args=(stop,), name="deliveries-topic")
            thread.start()
            thread.join()
        else:
            stop.wait()
    finally:
        if server is not None:
            server.close()
        log.close()
