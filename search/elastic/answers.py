"""Reading answers, and telling what is wrong: what Elasticsearch and its client say, as errors of ours."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict

import msgspec
from elastic_transport import ApiResponseMeta, ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError
from elasticsearch.exceptions import HTTP_EXCEPTIONS
from elasticsearch.serializer import JsonSerializer

from minsheng.errors import MinshengError, Unavailable, WrongSettings
from search.index import Written


class _Source(TypedDict, total=False):
    id: str
    record: msgspec.Raw


class _Hit(TypedDict, total=False):
    _source: _Source
    sort: list[Any]


class _Hits(TypedDict, total=False):
    total: Any
    hits: list[_Hit]


class _Answer(TypedDict, total=False):
    """What is read of the answer to one of several searches."""

    hits: _Hits
    aggregations: Any
    pit_id: str
    status: int
    error: Any


class _Answers(TypedDict, total=False):
    responses: list[_Answer]


class Json(JsonSerializer):
    """Reads answers several times as fast as the client does by itself. The records found by several searches in one
    request are left as they came: whoever takes them reads each once, as what it is."""

    _several = re.compile(rb'\{"took":\d+,"responses":\[')
    _searches = msgspec.json.Decoder(_Answers)

    def json_loads(self, data: bytes) -> Any:
        if self._several.match(data):
            return self._searches.decode(data)
        return msgspec.json.decode(data)


def address(client: Elasticsearch) -> str:
    """Where the servers are."""
    return ", ".join(sorted(node.base_url for node in client.transport.node_pool.all()))


@contextmanager
def reached(client: Elasticsearch) -> Iterator[None]:
    """Raises `Unavailable`, `WrongSettings` or another `MinshengError` in place of the client's errors."""
    try:
        yield
    except UnsupportedProductError as error:
        raise WrongSettings(f"{address(client)} is no Elasticsearch", "see urls in the section [search]") from error
    except TlsError as error:
        raise Unavailable("index", f"{address(client)}: {error.message}", "see ca_file in [search]") from error
    except ConnectionTimeout as error:
        raise Unavailable("index", f"{address(client)} does not answer in time") from error
    except TransportError as error:
        raise Unavailable(
            "index", f"{address(client)} can't be reached", "check that Elasticsearch runs: minsheng doctor"
        ) from error
    except ApiError as error:
        said = f"{address(client)}: {reason(error.body)}"
        if error.status_code in (401, 403):
            raise Unavailable("index", said, "check username and password in [search]") from error
        if error.status_code == 429 or error.status_code >= 500:
            raise Unavailable("index", said) from error
        raise MinshengError(f"index: {said}") from error


def failure(meta: ApiResponseMeta, answer: Mapping[str, Any]) -> ApiError:
    """What the client would raise, had this answer to one of several searches come alone."""
    status = int(answer.get("status", 500))
    return HTTP_EXCEPTIONS.get(status, ApiError)(
        message=reason(answer), meta=dataclasses.replace(meta, status=status), body=answer
    )


def written(name: str, result: Mapping[str, Any]) -> Written:
    status = result["status"]
    if status < 300:
        return Written(name, "stored")
    if status == 409:
        return Written(name, "conflict")
    # 403 and 404 are an index that is closed, blocked or just being removed: nothing the record could help.
    outcome: Any = "retry" if status in (403, 404, 429) or status >= 500 else "rejected"
    return Written(name, outcome, reason(result))


def reason(answer: Any) -> str:
    """What Elasticsearch says of an error, with its first cause."""
    error = answer.get("error", answer) if isinstance(answer, Mapping) else answer
    if isinstance(error, Mapping):
        failures = error.get("_shards", {}).get("failures") or [{}]
        error = failures[0].get("reason", error)  # where shards fail one by one, there is no error of the whole
    if not isinstance(error, Mapping):
        return str(error)
    text = f"{error.get('type', 'error')}: {error.get('reason', '')}"
    cause = error.get("caused_by") or next(iter(error.get("root_cause") or ()), None)
    if isinstance(cause, Mapping) and cause.get("reason") and cause["reason"] not in text:
        text += f" ({cause['reason']})"
    return text
