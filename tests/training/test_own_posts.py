"""The posts written to train on are well formed, and share no template with the posts that models are scored on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from classifiers.model import EMOTIONS, REQUESTS, SENTIMENTS, Text
from classifiers.ngram import FOLDER
from minsheng.errors import BadInput
from training.data import SENTIMENT_OF_EMOTION, key, part_of
from training.evaluate import OWN_SET
from training.labels.own import HEADS, OwnPost, own_posts, read_posts

STANCES = ("support", "against", "question", "neutral")
ALIKE = 0.15
"""Share of common runs of four characters above which two posts are the same with other words filled in."""

TRAINED_ON = {
    "plain": 380,
    "sarcasm": 120,
    "quotation": 90,
    "forward": 65,
    "mixed": 60,
    "dialect": 60,
    "emoji": 60,
    "news": 40,
    "official": 33,
}
SCORED_ON = {
    "plain": 120,
    "sarcasm": 25,
    "quotation": 20,
    "forward": 15,
    "mixed": 20,
    "dialect": 15,
    "emoji": 15,
    "news": 25,
}
"""Kind of post → at least so many."""


@pytest.fixture(scope="module")
def trained_on() -> list[OwnPost]:
    return read_posts()


@pytest.fixture(scope="module")
def scored_on() -> list[OwnPost]:
    return read_posts(OWN_SET)


def runs(post: OwnPost, length: int = 4) -> set[str]:
    """All runs of `length` letters and digits; of posts of emoji or a single word, the whole."""
    letters = "".join(character for character in post.title + post.text if character.isalnum())
    return {letters[start : start + length] for start in range(len(letters) - length + 1)} or {post.text.strip()}


def alike(some: Iterable[OwnPost], others: Iterable[OwnPost]) -> list[tuple[str, str]]:
    """The pairs, one of each side, that share more than `ALIKE` of their runs."""
    known: list[tuple[OwnPost, set[str]]] = [(other, runs(other)) for other in others]
    holders: dict[str, list[int]] = {}
    for place, (_, theirs) in enumerate(known):
        for run in theirs:
            holders.setdefault(run, []).append(place)
    pairs = []
    for one in some:
        ones = runs(one)
        for place, common in Counter(place for run in ones for place in holders.get(run, ())).items():
            other, theirs = known[place]
            if other is not one and common / (len(ones) + len(theirs) - common) > ALIKE:
                pairs.append((one.text, other.text))
    return pairs


@pytest.mark.parametrize("posts", ["trained_on", "scored_on"])
def test_labels_are_known_and_agree(posts: str, request: pytest.FixtureRequest) -> None:
    areas = set(msgspec.json.decode((FOLDER / "card.json").read_bytes())["heads"]["topic"]["labels"])
    found: list[OwnPost] = request.getfixturevalue(posts)
    for post in found:
        assert post.text.strip(), post
        assert post.sentiment in SENTIMENTS and post.emotion in EMOTIONS, post
        assert post.topic is None or post.topic in areas, post
        assert post.request in REQUESTS and post.stance in (*STANCES, None), post
        assert SENTIMENT_OF_EMOTION.get(post.emotion, post.sentiment) == post.sentiment, post
        if post.slice in ("news", "official"):
            assert (post.sentiment, post.request, post.stance) == ("neutral", "none", "neutral"), post
        else:
            assert (post.stance is None) == (post.policy is None), post
    for head, known in (("sentiment", SENTIMENTS), ("emotion", EMOTIONS), ("request", REQUESTS), ("stance", STANCES)):
        assert {getattr(post, head) for post in found} - {None} == set(known)
    assert {post.topic for post in found} - {None} == areas


def test_every_kind_of_post_has_enough(trained_on: list[OwnPost], scored_on: list[OwnPost]) -> None:
    for posts, least in ((trained_on, TRAINED_ON), (scored_on, SCORED_ON)):
        counts = Counter(post.slice for post in posts)
        assert set(counts) == set(least)
        assert {kind: count for kind, count in least.items() if counts[kind] < count} == {}, counts


def test_mood_is_not_given_away_by_the_kind(trained_on: list[OwnPost]) -> None:
    for kind in ("plain", "quotation", "forward", "mixed", "dialect", "emoji"):
        assert {post.sentiment for post in trained_on if post.slice == kind} == set(SENTIMENTS), kind


def test_no_post_is_written_twice(trained_on: list[OwnPost], scored_on: list[OwnPost]) -> None:
    keys = Counter(key(Text(post.title, post.text)) for post in (*trained_on, *scored_on))
    assert [digest.hex() for digest, count in keys.items() if count > 1] == []
    texts = Counter(post.text for post in (*trained_on, *scored_on))
    assert [text for text, count in texts.items() if count > 1] == []


def test_training_and_test_share_no_template(trained_on: list[OwnPost], scored_on: list[OwnPost]) -> None:
    assert alike(scored_on, trained_on) == []
    assert {post.policy for post in trained_on} & {post.policy for post in scored_on} == {None}


def test_no_template_is_filled_in_twice(trained_on: list[OwnPost], scored_on: list[OwnPost]) -> None:
    assert alike(trained_on, trained_on) == []
    assert alike(scored_on, scored_on) == []


def test_a_filled_in_template_is_found() -> None:
    one = read_posts()[0]
    other = msgspec.structs.replace(one, text=one.text.replace(one.text[:4], "北桥镇上"))
    assert alike([one], [other]) == [(one.text, other.text)]


def test_posts_by_head_leave_out_what_has_no_label(trained_on: list[OwnPost]) -> None:
    found = own_posts()
    assert tuple(found) == HEADS
    assert len(found["sentiment"]) == len(trained_on) > len(found["stance"]) > 300
    assert [example.label for example in found["topic"]] == [post.topic for post in trained_on if post.topic]
    assert all(example.part == part_of(example.text) for example in found["request"])


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "路灯亮了"}\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"posts\.jsonl, line 1: .*sentiment"):
        own_posts(path)
