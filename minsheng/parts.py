"""Opens the parts that the settings name. The only place that knows which implementation stands behind a seam."""

from __future__ import annotations

from minsheng.settings import Settings
from minsheng.store import Store
from search.index import Index
from stream.log import DOCUMENTS, TOPICS, Log


def open_log(settings: Settings) -> Log:
    """The log, connected lazily: a server that is down shows at first use, as `Unavailable`."""
    if settings.stream.kind == "kafka":
        from stream.kafka import KafkaLog

        return KafkaLog.from_settings(settings)
    from stream.embedded import EmbeddedLog

    return EmbeddedLog(settings.path(settings.stream.path))


def topic_partitions(settings: Settings) -> dict[str, int]:
    """Topics and their partitions: documents are assessed in parallel, everything after keeps one order."""
    return {topic: settings.stream.documents_partitions if topic == DOCUMENTS else 1 for topic in TOPICS}


def open_index(settings: Settings) -> Index:
    """The index, connected lazily."""
    if settings.search.kind == "elasticsearch":
        from search.elastic import ElasticsearchIndex

        return ElasticsearchIndex.from_settings(settings)
    from search.embedded import EmbeddedIndex

    return EmbeddedIndex(settings.path(settings.search.path))


def open_store(settings: Settings) -> Store:
    """The store, connected lazily. Its tables are made by `minsheng.store.migrate`."""
    return Store.from_settings(settings)
