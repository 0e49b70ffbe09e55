"""From what a spider or an import found to a `Document` that may be written: masked, dated, cut, or refused."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from crawlers.dates import believable, parse_time
from crawlers.privacy import AuthorKeys, mask, mask_names
from minsheng.exercises import EXERCISE
from minsheng.records import MAX_TEXT, Attachment, Document, Engagement, Kind, Official, document_id
from minsheng.redaction import without_secrets

MAX_TITLE = 500
_SPACES = re.compile(r"[ \t\u00a0\u3000\u200b\ufeff]+")
_LINES = re.compile(r"[ ]*\n\s*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Found(msgspec.Struct, kw_only=True):
    """One published thing, raw, as a spider or an import found it.

    Attributes
    ----------
    key:
        The native id or canonical URL that the document's id is made from.
    published:
        A time, or the words of one; None where the source gives none.
    author:
        The author's name; it goes no further than admission.
    parent_key:
        The key of what this answers or reposts, at the same source.
    next_page:
        Where an article goes on that has several pages; they are fetched before it is admitted.
    """

    key: str
    kind: Kind
    title: str = ""
    text: str = ""
    url: str | None = None
    native_id: str | None = None
    parent_key: str | None = None
    author: str | None = None
    published: datetime | str | None = None
    engagement: Engagement = Engagement()
    region: str | None = None
    outlet: str | None = None
    attachments: tuple[Attachment, ...] = ()
    official: Official | None = None
    next_page: str | None = None


class Refusal(NamedTuple):
    """Why something found is no document."""

    key: str
    reason: str


EMPTY = "neither title nor text"
MOST = 10**12
"""No count of likes or readers is larger: what says so is none, and stores could not hold it."""


class Admission:
    """Makes documents of one source.

    Parameters
    ----------
    source:
        The source's id.
    authors:
        Hashes authors' names, and knows the accounts of public institutions: these stay named in texts, and as the
        outlet of what they write.
    secrets:
        What is secret in the source's own address: it stands in no document's.
    """

    def __init__(self, source: str, authors: AuthorKeys, secrets: frozenset[str] = frozenset()) -> None:
        if source == EXERCISE:
            raise ValueError(f"the source '{EXERCISE}' is kept for drills: choose another id")
        self.source = source
        self.authors = authors
        self._secrets = secrets

    def __call__(self, found: Found, now: datetime) -> Document | Refusal:
        """The document, fetched at `now`; or why there is none."""
        title = self.private(tidy(found.title).replace("\n", " "))[:MAX_TITLE]
        text = self.private(tidy(found.text))
        if not title and not text:
            return Refusal(found.key, EMPTY)
        if not found.key:
            return Refusal(found.key, "neither id nor address")
        published, raw = _time(found.published, now)
        author = tidy(found.author or "")
        outlet = tidy(found.outlet or "") or (author if author in self.authors.named else "")
        return Document(
            id=document_id(self.source, found.key),
            source=self.source,
            kind=found.kind,
            published_at=published or now,
            published_estimated=published is None,
            published_raw=self.private(raw) if raw and published is None else None,
            fetched_at=now,
            title=title,
            text=text[:MAX_TEXT],
            truncated=len(text) > MAX_TEXT,
            url=found.url and without_secrets(found.url, self._secrets),
            native_id=found.native_id and self._name(found.native_id),
            parent_id=document_id(self.source, found.parent_key) if found.parent_key else None,
            author_key=self.authors(self.source, author) if author else None,
            engagement=_counts(found.engagement),
            region=self.private(tidy(found.region or "")) or None,
            outlet=mask(outlet)[:200] or None,
            attachments=tuple(
                msgspec.structs.replace(
                    file, name=self.private(file.name), url=without_secrets(file.url, self._secrets)
                )
                for file in found.attachments
            ),
            official=self._official(found.official),
        )

    def _name(self, native_id: str) -> str:
        return without_secrets(native_id, self._secrets) if "://" in native_id else native_id

    def private(self, text: str) -> str:
        """The text without what points at a person."""
        return mask_names(mask(text), self.authors.named)

    def _official(self, official: Official | None) -> Official | None:
        if official is None:
            return None
        values = msgspec.structs.asdict(official)
        words = {name: self.private(tidy(value)) for name, value in values.items() if isinstance(value, str)}
        return msgspec.structs.replace(official, **words)


def _counts(engagement: Engagement) -> Engagement:
    """Without numbers that can't be counts."""
    wrong = {
        name: None for name, count in msgspec.structs.asdict(engagement).items() if count and not 0 <= count <= MOST
    }
    return msgspec.structs.replace(engagement, **wrong) if wrong else engagement


def tidy(text: str) -> str:
    """One space for many, no empty lines, no control characters or half characters."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def canonical_url(url: str) -> str:
    """The address without its fragment, with scheme and host in lower case and no default port.

    Examples
    --------
    >>> canonical_url("HTTP://Example.org:80/a?b=1#top")
    'http://example.org/a?b=1'
    """
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    if parts.port and parts.port != {"http": 80, "https": 443}.get(parts.scheme.lower()):
        host = f"{host}:{parts.port}"
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, ""))


def _time(published: datetime | str | None, now: datetime) -> tuple[datetime | None, str | None]:
    """A believable time, or None and what the source said."""
    time = parse_time(published, now) if isinstance(published, str) else published
    if time is not None and believable(time, now):
        return time, None
    raw = published.isoformat() if isinstance(published, datetime) else published
    return None, (raw or "").strip()[:100] or None
