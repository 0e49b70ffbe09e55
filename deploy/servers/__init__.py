"""Real Kafka, Elasticsearch, PostgreSQL and SMTP servers for development and tests, without containers.

`python -m deploy.servers start` runs them in the background; the test fixtures start their own.
"""

from __future__ import annotations

import os
from pathlib import Path

from deploy.servers.elasticsearch import Elasticsearch9Server, ElasticsearchServer
from deploy.servers.kafka import KafkaServer
from deploy.servers.postgresql import PostgreSQLServer, fresh_database
from deploy.servers.process import Server, ServerUnavailable
from deploy.servers.smtp import SMTPServer

KINDS: dict[str, type[Server]] = {
    kind.name: kind for kind in (KafkaServer, ElasticsearchServer, Elasticsearch9Server, PostgreSQLServer, SMTPServer)
}
"""Every kind of server by the name that the command line knows it by."""


def cache_folder() -> Path:
    """Where downloads are kept: `MINSHENG_SERVERS_DIR`, or `.servers` in the project's root."""
    chosen = os.environ.get("MINSHENG_SERVERS_DIR")
    return Path(chosen).expanduser().resolve() if chosen else Path(__file__).parents[2] / ".servers"


__all__ = [
    "KINDS",
    "Elasticsearch9Server",
    "ElasticsearchServer",
    "KafkaServer",
    "PostgreSQLServer",
    "SMTPServer",
    "Server",
    "ServerUnavailable",
    "cache_folder",
    "fresh_database",
]
