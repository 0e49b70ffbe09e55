"""The environment variables that point Minsheng at given servers."""

from __future__ import annotations

import json

import sqlalchemy as sa


def server_variables(kafka: str, elasticsearch: str, database: str, name: str) -> dict[str, str]:
    """Settings for a Kafka, an Elasticsearch and a PostgreSQL database.

    Parameters
    ----------
    kafka, elasticsearch:
        `host:port`, and an address with its scheme.
    database:
        An SQLAlchemy URL.
    name:
        Put before topics and indices, so that several runs share the servers.
    """
    parsed = sa.make_url(database)
    variables = {
        "MINSHENG_STREAM__KIND": "kafka",
        "MINSHENG_STREAM__BOOTSTRAP_SERVERS": kafka,
        "MINSHENG_STREAM__TOPIC_PREFIX": f"{name}.",
        "MINSHENG_SEARCH__KIND": "elasticsearch",
        "MINSHENG_SEARCH__URLS": json.dumps([elasticsearch]),
        "MINSHENG_SEARCH__INDEX_PREFIX": name,
        "MINSHENG_STORE__KIND": "postgresql",
        "MINSHENG_STORE__HOST": str(parsed.host),
        "MINSHENG_STORE__PORT": str(parsed.port),
        "MINSHENG_STORE__DATABASE": str(parsed.database),
        "MINSHENG_STORE__USER": str(parsed.username),
    }
    if parsed.password:
        variables |= {
            "MINSHENG_STORE__PASSWORD": '{ env = "MINSHENG_TEST_PASSWORD" }',
            "MINSHENG_TEST_PASSWORD": str(parsed.password),
        }
    return variables
