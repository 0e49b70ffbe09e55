"""The records that travel on the log, as JSON: `Document` → `Assessed` → `Grouped`.

Each record carries `record` (its type) and `schema` (its version). Records are read by other programs and are kept in
logs for weeks, so a change of shape raises `SCHEMA` and adds an entry to `UPGRADES`; today's code reads every older
version, and refuses a newer one with a reason that says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, Literal, TypeVar

import msgspec

from minsheng.errors import BadInput

SCHEMA = 4
"""The version of the record shapes in this module."""

Kind = Literal["news", "post", "message", "reply", "hot-search"]
KINDS: tuple[Kind, ...] = ("news", "post", "message", "reply", "hot-search")

MAX_TEXT = 200_000
"""Longest text, in characters, that a record carries; longer ones are cut by the crawler and marked `truncated`."""


class Engagement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Counts as the source gives them; None where it gives none."""

    likes: int | None = None
    dislikes: int | None = None
    comments: int | None = None
    reposts: int | None = None
    views: int | None = None

    def total(self) -> int:
        """Likes, dislikes, comments and reposts together: the people who did something."""
        return (self.likes or 0) + (self.dislikes or 0) + (self.comments or 0) + (self.reposts or 0)


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file that belongs to a document."""

    url: str
    name: str = ""
    media_type: str = ""


class Official(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an official page says of the document on it; empty or None where it says nothing.

    Attributes
    ----------
    number:
        文号, in its standard spelling.
    index_number:
        索引号, the page's number in the catalogue of disclosed information.
    issuer:
        The unit that issued it, as written.
    topic:
        主题分类, as written.
    written_on, released_on, effective_on, expires_on:
        成文, 发布, 施行, 废止 or 有效期至.
    validity:
        In the page's own word: 有效, 废止, 失效, 已修改.
    consultation_opens_on, consultation_closes_on:
        First and last day on which opinions are taken.
    """

    number: str = ""
    index_number: str = ""
    issuer: str = ""
    topic: str = ""
    written_on: date | None = None
    released_on: date | None = None
    effective_on: date | None = None
    expires_on: date | None = None
    validity: str = ""
    consultation_opens_on: date | None = None
    consultation_closes_on: date | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="document"):
    """One published thing, as crawled: authors already pseudonymous, phone and identity numbers already masked.

    Attributes
    ----------
    id:
        `document_id(source, key)`, where the key is the native id or the canonical URL.
    source:
        The id of the source it came from.
    parent_id:
        Id (of the same kind as `id`) of the document that this one answers or reposts.
    author_key:
        A keyed hash of the author's name at the source; never the name.
    published_at, fetched_at:
        Aware times. Where the source gives no believable time, `published_at` is `fetched_at`, `published_estimated`
        is true and `published_raw` keeps what the source said.
    revision:
        1 for the first version of the content, one more each time the crawler finds it changed.
    outlet:
        The medium named as the origin (来源), where it is not the source itself.
    official:
        For pages of authorities: what they say of the document, such as its 文号.
    truncated:
        True where the text was longer than `MAX_TEXT`.
    """

    id: str
    source: str
    kind: Kind
    published_at: datetime
    fetched_at: datetime
    title: str = ""
    text: str = ""
    url: str | None = None
    native_id: str | None = None
    parent_id: str | None = None
    author_key: str | None = None
    engagement: Engagement = Engagement()
    region: str | None = None
    outlet: str | None = None
    attachments: tuple[Attachment, ...] = ()
    official: Official | None = None
    language: str = "zh"
    revision: int = 1
    published_estimated: bool = False
    published_raw: str | None = None
    truncated: bool = False
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.published_at.tzinfo is None or self.fetched_at.tzinfo is None:
            raise ValueError("published_at and fetched_at need a zone")
        if not self.id or not self.source:
            raise ValueError("a document needs an id and a source")


class Judgement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One head's opinion: the label, and the probability of every label of the head (they sum to 1).

    `unsure` is true where the label's probability is below what the model itself asks of this head.
    """

    label: str
    scores: dict[str, float]
    unsure: bool = False


PERSON: Final = "person"
"""Stands in `Assessed.models` for a head whose label a person has set, and in `PolicyLink.reason`."""

LinkReason = Literal["number", "title", "alias", "fragment", "url", "parent", "weak", "person"]


AMBIGUOUS = 0.5


class PolicyLink(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a document is about a policy.

    Attributes
    ----------
    reason:
        `number` 文号, `title` whole title, `alias`, `fragment` a distinctive part of the title, `url` a link to the
        policy's own page, `parent` taken over from the document that this one answers or reposts, `weak` the policy's
        department and words of its title, where the document names no policy, `person` put there by a person.
    matched:
        The words that matched, as they stand in the document; for `weak` the department's name; empty for `parent` and
        `person`.
    field, span:
        Where they stand: `title` or `text`, and start and end in characters. None for `parent`, `url` and `person`.
    confidence:
        0 to 1. Below 0.5 the link is no more than possible: the same words point at more than one policy, or may mean
        something else.
    """

    policy_id: str
    reason: LinkReason
    confidence: float
    matched: str = ""
    field: Literal["title", "text"] | None = None
    span: tuple[int, int] | None = None

    @property
    def ambiguous(self) -> bool:
        """True where the same words point at more than one policy."""
        return self.confidence < AMBIGUOUS


ADVERTISES = 0.6
"""From this score on the model's reading of a post as advertising counts; the head's macro-F1 on the texts that are
held out is .87 (docs/quality.md)."""


class Assessed(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="assessed"):
    """A document with the models' opinions and its policies.

    Attributes
    ----------
    stance:
        To the linked policies. None where no policy is linked with confidence, the model gives no stance, or it is
        taken for advertising: that takes no side, however loud its praise.
    harm:
        Whether it tells that somebody came to harm. None where the model has no such head.
    advert:
        Whether it is advertising. None where the model has no such head.
    places:
        Administrative divisions that the text names, in the order it does, each with all names from the province down
        (`湖南省长沙市岳麓区`); where it names none, the document's own region, if that is one.
    units:
        Offices that the text names, as it writes them.
    opinion:
        1 for the first assessment; re-assessments of the same document carry a higher number.
    models:
        Head (and `policies`) → the version of the model or register that judged; `PERSON` where a person did, also
        for each `policy:<id>` that a person has linked or taken away.
    """

    document: Document
    sentiment: Judgement
    emotion: Judgement
    topic: Judgement
    request: Judgement
    stance: Judgement | None = None
    harm: Judgement | None = None
    advert: Judgement | None = None
    policies: tuple[PolicyLink, ...] = ()
    places: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    models: dict[str, str] = {}
    opinion: int = 1
    assessed_at: datetime
    schema: int = SCHEMA

    @property
    def judgements(self) -> dict[str, Judgement]:
        """Head → judgement, for the heads that judged."""
        heads = {
            "sentiment": self.sentiment,
            "emotion": self.emotion,
            "topic": self.topic,
            "request": self.request,
        }
        others = {"stance": self.stance, "harm": self.harm, "advert": self.advert}
        return heads | {name: judgement for name, judgement in others.items() if judgement is not None}

    @property
    def advertises(self) -> bool:
        """Whether it is taken for advertising under the policy's name. What comes to an office or stands in the news is
        looked at whatever it says."""
        if self.advert is None or self.advert.unsure or self.document.kind not in ("post", "reply"):
            return False
        return self.advert.scores.get("advert", 0.0) >= ADVERTISES

    @property
    def region(self) -> str | None:
        """Where it is about: the first place it names, or else what its source says. None where neither says."""
        return self.places[0] if self.places else self.document.region

    @property
    def version(self) -> int:
        """What the index and the alerts compare: content revision first, opinion second. The highest stays."""
        return self.document.revision * 1_000_000 + self.opinion

    @property
    def filed_under(self) -> tuple[str, ...]:
        """The policies that an index files the document under, surest first: all that it names, also ambiguously, but
        none for weak evidence alone."""
        links = (link for link in self.policies if link.reason != "weak" or not link.ambiguous)
        return tuple(dict.fromkeys(link.policy_id for link in links))


class Duplicate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The near-duplicate group: `group` is the id of its first document; `kind` is how this one relates to it."""

    group: str
    kind: Literal["first", "exact", "near"] = "first"
    similarity: float = 1.0


class EventRef(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The event a document was put into when it was grouped. Later merges are resolved at query time.

    `merged` are events that this document showed to be the same one: they are part of `id` from here on.
    """

    id: str
    similarity: float = 1.0
    merged: tuple[str, ...] = ()


class Grouped(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="grouped"):
    """An assessed document with its near-duplicate group and its event."""

    assessed: Assessed
    duplicate: Duplicate
    event: EventRef
    schema: int = SCHEMA

    @property
    def document(self) -> Document:
        return self.assessed.document

    @property
    def version(self) -> int:
        return self.assessed.version


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="dead-letter"):
    """What a stage could not handle, why, and where it stood, so that it can be looked at and sent again.

    `value` is the record's bytes as text; `encoding` is `base64` where they were no UTF-8.
    """

    id: str
    stage: str
    topic: str
    partition: int
    offset: int
    reason: str
    value: str
    at: datetime
    key: str | None = None
    encoding: Literal["utf-8", "base64"] = "utf-8"
    resent_at: datetime | None = None
    schema: int = SCHEMA


Record = Document | Assessed | Grouped | DeadLetter
R = TypeVar("R", Document, Assessed, Grouped, DeadLetter)

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda plain: plain,  # 2 adds `stance`, `unsure` and the link reason `person`: an old record has none of them
    2: lambda plain: plain,  # 3 adds `harm`: not judged in an old record
    3: lambda plain: plain,  # 4 adds `advert`: likewise
}
"""From version n to n + 1: takes and returns one record as plain JSON values. `record` says which; the records in it
have been brought up already."""

_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Document, Assessed, Grouped, DeadLetter)
}


class _Header(msgspec.Struct):
    record: str = ""
    schema: int = 1


_header_decoder = msgspec.json.Decoder(_Header)


def encode(record: Record) -> bytes:
    """The record as UTF-8 JSON. Lone surrogates, which no UTF-8 can carry, become U+FFFD."""
    try:
        return _encoder.encode(record)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(msgspec.to_builtins(record)))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


def decode(kind: type[R], value: bytes) -> R:
    """Read one record, of this or an older schema version.

    Raises
    ------
    BadInput
        If the value is no JSON, another kind of record, of a future version, or breaks the schema. The text says which.
    """
    try:
        header = _header_decoder.decode(value)
        wanted = str(kind.__struct_config__.tag)
        if header.record != wanted:
            raise BadInput(f"expected a record of kind '{wanted}', got '{header.record or 'none'}'")
        if header.schema > SCHEMA:
            raise BadInput(
                f"record of schema version {header.schema}, this program reads up to {SCHEMA}",
                "upgrade this process, then send the record again: minsheng deadletters resend",
            )
        if header.schema == SCHEMA:
            return _decoders[kind].decode(value)
        return msgspec.convert(upgrade(msgspec.json.decode(value), header.schema), kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInput(f"not a readable record: {error}") from error


def upgrade(plain: dict[str, Any], version: int) -> dict[str, Any]:
    """Bring a record's plain JSON form from `version` to `SCHEMA`, one step at a time, and the records in it alike."""
    plain = {
        key: upgrade(value, value.get("schema", 1)) if isinstance(value, dict) and "record" in value else value
        for key, value in plain.items()
    }
    for step in range(version, SCHEMA):
        if step not in UPGRADES:
            raise BadInput(f"record of schema version {version}: no step from {step} to {step + 1} is known")
        plain = {**UPGRADES[step](plain), "schema": step + 1}
    return plain


def document_id(source: str, key: str) -> str:
    """The content-derived id: the same thing from the same source has the same id, whenever it is fetched.

    Parameters
    ----------
    source:
        The source's id.
    key:
        The thing's native id where it has one, otherwise its canonical URL.

    Returns
    -------
    The first 32 hexadecimal digits of SHA-256 (128 bits).
    """
    return hashlib.sha256(f"{source}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of all records, as kept in docs/."""
    (_, components) = msgspec.json.schema_components(
        (Document, Assessed, Grouped, DeadLetter), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Minsheng records",
        "version": SCHEMA,
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in ("Document", "Assessed", "Grouped", "DeadLetter")],
        "$defs": components,
    }


def scores_of(label: str, others: Mapping[str, float] | None = None) -> Judgement:
    """A judgement whose label is given, with probabilities for the others; for tests and rules."""
    scores = dict(others or {})
    scores[label] = max(0.0, 1.0 - sum(scores.values()))
    return Judgement(label=label, scores=scores)
