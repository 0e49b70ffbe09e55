"""The records on the log: round trips, older and future versions, odd texts, and their JSON Schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from minsheng import records
from minsheng.errors import BadInput
from minsheng.records import (
    KINDS,
    Assessed,
    Attachment,
    DeadLetter,
    Document,
    Duplicate,
    Engagement,
    EventRef,
    Grouped,
    PolicyLink,
    Record,
    decode,
    document_id,
    encode,
    json_schema,
    scores_of,
)

HERE = Path(__file__).parent
OLDER = sorted((HERE / "records").glob("v*/*.json"))
TYPES: dict[str, type[Any]] = {
    "document": Document,
    "assessed": Assessed,
    "grouped": Grouped,
    "dead-letter": DeadLetter,
}
AT = datetime(2026, 5, 1, 8, 30, tzinfo=timezone(timedelta(hours=8)))

DOCUMENT = Document(
    id=document_id("forum", "1"),
    source="forum",
    kind="post",
    published_at=AT,
    fetched_at=datetime(2026, 5, 1, 0, 31, 2, 345678, UTC),
    title="供暖新规",
    text="真是为民着想啊[微笑]😀𠮷\u0000\n",
    url="https://www.example.gov.cn/1?a=b&c=《》",
    native_id="1",
    parent_id=document_id("forum", "0"),
    author_key="0f" * 16,
    engagement=Engagement(likes=3, dislikes=0, comments=2, reposts=1, views=900),
    region="云岭市",
    outlet="云岭日报",
    attachments=(Attachment(url="https://www.example.gov.cn/1.pdf", name="附件", media_type="application/pdf"),),
    revision=2,
    published_estimated=True,
    published_raw="刚刚",
    truncated=True,
)
ASSESSED = Assessed(
    document=DOCUMENT,
    sentiment=scores_of("negative", {"neutral": 0.2, "positive": 0.1}),
    emotion=scores_of("angry"),
    topic=scores_of("城乡建设"),
    request=msgspec.structs.replace(scores_of("complaint"), unsure=True),
    stance=scores_of("question", {"neutral": 0.25}),
    harm=scores_of("none", {"harm": 0.125}),
    advert=scores_of("none", {"advert": 0.0625}),
    policies=(
        PolicyLink(policy_id="heating", reason="alias", confidence=0.9, matched="供暖新规", field="title", span=(0, 4)),
        PolicyLink(policy_id="bus", reason="parent", confidence=0.4),
        PolicyLink(policy_id="tram", reason="person", confidence=1.0),
    ),
    models={"sentiment": "ngram-1", "stance": "person", "policies": "abc"},
    opinion=3,
    assessed_at=AT,
)
GROUPED = Grouped(
    assessed=ASSESSED,
    duplicate=Duplicate(group=DOCUMENT.id, kind="near", similarity=0.8),
    event=EventRef(id="e-1", similarity=0.5),
)
LETTER = DeadLetter(
    id="assess-documents-0-7",
    stage="assess",
    topic="documents",
    partition=0,
    offset=7,
    reason="坏记录",
    value="e30=",
    encoding="base64",
    at=AT,
    key="k",
    resent_at=AT,
)
ALL: list[Record] = [DOCUMENT, ASSESSED, GROUPED, LETTER]


def minimal(**changes: Any) -> Document:
    return Document(**{"id": "a", "source": "s", "kind": "post", "published_at": AT, "fetched_at": AT, **changes})


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_every_record_comes_back_as_it_was(record: Record) -> None:
    assert decode(type(record), encode(record)) == record
    assert json.loads(encode(record))["schema"] == records.SCHEMA


@pytest.mark.parametrize("file", OLDER, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_older_version_is_read(file: Path) -> None:
    kept = file.read_bytes()
    plain = json.loads(kept)
    record = decode(TYPES[plain["record"]], kept)
    assert record.schema == records.SCHEMA
    assert decode(type(record), encode(record)) == record


def test_each_version_so_far_has_its_fixtures() -> None:
    kept = {(file.parent.name, json.loads(file.read_bytes())["record"]) for file in OLDER}
    assert kept == {(f"v{version}", kind) for version in range(1, records.SCHEMA + 1) for kind in TYPES}


def test_the_shape_of_this_version_is_frozen() -> None:
    """A field that is renamed, removed or added without a default needs a new SCHEMA, fixtures and an upgrade."""
    for file in (HERE / "records" / f"v{records.SCHEMA}").glob("*.json"):
        kept = json.loads(file.read_bytes())
        record = decode(TYPES[kept["record"]], file.read_bytes())
        assert is_part(kept, json.loads(encode(record))), file.name


def is_part(kept: Any, found: Any) -> bool:
    """True if everything that was kept is found, in the records inside too."""
    if isinstance(kept, dict) and isinstance(found, dict):
        return all(name in found and is_part(value, found[name]) for name, value in kept.items())
    return bool(kept == found)


def test_older_records_are_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(plain: dict[str, Any]) -> dict[str, Any]:
        if plain["record"] == "document":
            plain["title"] = plain.pop("headline", "")
        return plain

    old = json.loads(encode(GROUPED))
    old["assessed"]["document"]["headline"] = old["assessed"]["document"].pop("title")
    now = records.SCHEMA
    monkeypatch.setattr(records, "SCHEMA", now + 2)
    monkeypatch.setitem(records.UPGRADES, now, rename)
    monkeypatch.setitem(records.UPGRADES, now + 1, lambda plain: plain)
    new = decode(Grouped, json.dumps(old).encode())
    assert new.document.title == DOCUMENT.title
    assert {new.schema, new.assessed.schema, new.document.schema} == {now + 2}
    monkeypatch.delitem(records.UPGRADES, now + 1)
    with pytest.raises(BadInput, match=f"no step from {now + 1} to {now + 2}"):
        decode(Grouped, json.dumps(old).encode())


def test_a_record_of_before_adverts_were_told_has_none() -> None:
    old = decode(Assessed, (HERE / "records/v3/assessed.json").read_bytes())
    assert old.harm is not None and old.advert is None and "advert" not in old.judgements


def test_a_record_of_before_harm_was_judged_has_none() -> None:
    old = decode(Assessed, (HERE / "records/v2/assessed.json").read_bytes())
    assert old.stance is not None and old.harm is None and "harm" not in old.judgements


def test_a_record_of_before_the_stance_has_none() -> None:
    old = decode(Assessed, (HERE / "records/v1/assessed.json").read_bytes())
    assert old.stance is None
    assert not any(judgement.unsure for judgement in old.judgements.values())
    assert list(old.judgements) == ["sentiment", "emotion", "topic", "request"]


def test_a_record_of_a_future_version_is_refused_and_says_what_to_do() -> None:
    future = {**json.loads(encode(DOCUMENT)), "schema": records.SCHEMA + 1, "kind": "hologram"}
    with pytest.raises(BadInput, match=rf"schema version {records.SCHEMA + 1}.*upgrade this process"):
        decode(Document, json.dumps(future).encode())


def test_unknown_fields_are_passed_over() -> None:
    more = {**json.loads(encode(DOCUMENT)), "colour": "red"}
    assert decode(Document, json.dumps(more).encode()) == DOCUMENT


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"", "not a readable record"),
        (b"\xff\xfe", "not a readable record"),
        (b"[]", "not a readable record"),
        (b"null", "not a readable record"),
        (b"[" * 200_000, "not a readable record"),
        (b'{"a":' * 200_000, "not a readable record"),
        (b"{}", "expected a record of kind 'document', got 'none'"),
        (b'{"record": 1}', "not a readable record"),
        (b'{"record": "document", "schema": "1"}', "`$.schema`"),
        (b'{"record": "document", "schema": 0}', "no step from 0"),
        (b'{"record": "document", "schema": -1}', "no step from -1"),
        (b'{"record": "document", "schema": 1}', "missing required field `id`"),
        (b'{"record": "assessed", "schema": 1}', "expected a record of kind 'document', got 'assessed'"),
    ],
)
def test_what_is_no_record_is_refused_with_the_reason(value: bytes, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode(Document, value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"published_at": "2026-05-01T08:00:00"},
        {"published_at": "yesterday"},
        {"id": ""},
        {"source": ""},
        {"kind": "rumour"},
        {"engagement": {"likes": "many"}},
        {"text": None},
    ],
)
def test_a_wrong_value_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="not a readable record"):
        decode(Document, json.dumps({**json.loads(encode(DOCUMENT)), **change}).encode())


def test_a_document_needs_zones() -> None:
    with pytest.raises(ValueError, match="zone"):
        minimal(published_at=datetime(2026, 5, 1))  # noqa: DTZ001


def test_lone_surrogates_are_replaced_and_pairs_kept() -> None:
    record = minimal(title="坏\ud800字", text="\udc00😀\ud83d\ude00\ud83d", attachments=(Attachment(url="x\udfff"),))
    back = decode(Document, encode(record))
    assert (back.title, back.text) == ("坏\ufffd字", "\ufffd😀😀\ufffd")
    assert back.attachments[0].url == "x\ufffd"


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(exclude_categories=[])))
def test_any_text_survives(title: str, text: str) -> None:
    back = decode(Document, encode(minimal(title=title, text=text)))
    assert back.title == title
    assert len(back.text) <= len(text)


def test_ids_are_those_of_the_content() -> None:
    assert document_id("forum", "1") == document_id("forum", "1")
    assert len({document_id("forum", "1"), document_id("forum", "2"), document_id("forum2", "1")}) == 3
    assert document_id("a", "\ud800")
    # Ids are kept in logs and indices for good: this one must never change.
    assert document_id("forum", "1") == "7192da69349c28edf0cfb0cedd0b880a"


def test_versions_put_content_before_opinion() -> None:
    def version(revision: int, opinion: int) -> int:
        document = msgspec.structs.replace(DOCUMENT, revision=revision)
        return msgspec.structs.replace(ASSESSED, document=document, opinion=opinion).version

    assert version(1, 1) < version(1, 2) < version(2, 1)


def test_an_index_files_documents_under_what_they_name_not_under_weak_evidence() -> None:
    links = (
        PolicyLink(policy_id="heating", reason="weak", confidence=0.55, matched="发改委"),
        PolicyLink(policy_id="bus", reason="alias", confidence=0.4, matched="公交新规"),
        PolicyLink(policy_id="metro", reason="alias", confidence=0.4, matched="公交新规"),
        PolicyLink(policy_id="water", reason="weak", confidence=0.4, matched="发改委"),
    )
    assert msgspec.structs.replace(ASSESSED, policies=links).filed_under == ("heating", "bus", "metro")


def test_the_schema_in_the_docs_is_that_of_the_code() -> None:
    kept = json.loads((HERE.parents[1] / "docs/reference/records.schema.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(json_schema())), "make it anew: python docs/generate.py"


def test_the_schema_accepts_real_records_and_refuses_wrong_ones() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for record in [*ALL, *(minimal(kind=kind) for kind in KINDS)]:
        validator.validate(json.loads(encode(record)))
    for change in ({"kind": "rumour"}, {"id": 1}, {"engagement": []}, {"record": "note"}):
        assert not validator.is_valid({**json.loads(encode(DOCUMENT)), **change})
    assert not validator.is_valid({"record": "document"})
