"""One HTTP POST, with what its answer means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3

from alerts.channels.channel import DeliveryFailed

JSON = "application/json; charset=utf-8"


def post_json(url: str, body: Any, timeout: float) -> dict[str, Any]:
    """Send `body` as JSON and return the answer's JSON object; {} where the answer is none. Raises as `post`."""
    found = post(url, msgspec.json.encode(body), {"Content-Type": JSON}, timeout)
    return found if isinstance(found, dict) else {}


def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Any:
    """Send `body` and return the answer: its JSON value, or its text where it is none.

    Raises
    ------
    DeliveryFailed
        Not reached, timed out, or a status other than 2xx: 429, 408, 425 and 5xx may be tried again, the others not.
        The text names the host only: the path and query of such addresses are secrets.
    """
    host = urlsplit(url).hostname
    try:
        answer = urllib3.request(
            "POST",
            url,
            body=body,
            headers={"User-Agent": "minsheng", **headers},
            timeout=timeout,
            retries=False,
            redirect=False,
        )
    # Both are also timeouts to urllib3, and nobody waited.
    except urllib3.exceptions.NameResolutionError:
        raise DeliveryFailed(f"{host} is no host that is known here") from None
    except urllib3.exceptions.NewConnectionError:
        raise DeliveryFailed(f"{host} takes no connection") from None
    except urllib3.exceptions.TimeoutError:
        raise DeliveryFailed(f"{host} did not answer within {timeout:g} s") from None
    except urllib3.exceptions.HTTPError as error:
        raise DeliveryFailed(f"{host} can't be reached ({type(error).__name__})") from None
    if not 200 <= answer.status < 300:
        passing = answer.status in (408, 425, 429) or answer.status >= 500
        raise DeliveryFailed(
            f"{host} answered HTTP {answer.status}",
            permanent=not passing,
            retry_after=_seconds(answer.headers.get("Retry-After")),
        )
    try:
        return msgspec.json.decode(answer.data)
    except msgspec.DecodeError:
        return answer.data.decode("utf-8", "replace").strip()


def _seconds(value: str | None) -> float | None:
    """What a `Retry-After` says; None where that is a date, or nonsense: our own backoff will do."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
