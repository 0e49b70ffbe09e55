"""The sample world's texts, policies and plans hang together."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from alerts.plans import PlanBook
from classifiers.linking import PolicyLinker
from minsheng.policies import read_policies
from sample.content import WORLD, load_expected, load_world, minutes
from sample.pages import article_path
from sample.policies import moved_policies
from sample.sources import QUERIES
from sample.timeline import LIVE_SECONDS, arrange, moment

ANCHOR = datetime(2027, 2, 3, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def scene():
    return arrange(load_world(), ANCHOR, live=False)


@pytest.fixture(scope="module")
def linker():
    return PolicyLinker(moved_policies(ANCHOR))


def linked(linker, title, text):
    return {link.policy_id for link in linker.link(title, text) if link.confidence >= 0.5}


def test_policy_files_are_valid_as_they_stand():
    policies = read_policies(WORLD / "policies")
    assert 10 <= len(policies) <= 12
    assert {"draft", "released", "in_force", "amended", "repealed"} == {policy.stage for policy in policies}
    by_id = {policy.id: policy for policy in policies}
    assert all(policy.successor in by_id for policy in policies if policy.stage == "repealed")


def test_dates_and_numbers_move_with_the_days():
    written = {policy.id: policy for policy in read_policies(WORLD / "policies")}
    moved = {policy.id: policy for policy in moved_policies(ANCHOR)}
    days = date(2027, 2, 3) - load_world().as_of
    assert moved["water-price"].released_on == written["water-price"].released_on + days
    assert moved["water-price"].number == "云发改价格〔2027〕47号"
    assert moved["after-school-care"].number == "云教发〔2026〕18号"  # released before the turn of the year


def test_texts_name_policies_by_their_moved_numbers(scene):
    texts = "\n".join(item.entry.title + item.entry.text for item in scene.articles)
    assert "云发改价格〔2027〕47号" in texts
    assert "云发改价格〔2026〕47号" not in texts


def test_no_placeholder_is_left(scene):
    entries = [item.entry for item in (*scene.articles, *scene.posts, *scene.messages, *scene.replies.values())]
    assert not [entry.text for entry in entries if "{" in entry.text]


def test_no_two_texts_are_the_same_but_reposts_without_words_and_press_copies():
    world = load_world()
    texts = [post.text for post in world.posts if post.text != "转发微博"]
    texts += [text for message in world.messages for text in (message.title, message.text)]
    texts += [article.title for article in world.articles]
    assert [text for text, count in Counter(texts).items() if count > 1] == []
    copied = Counter(article.text for article in world.articles)
    assert sorted(copied.values())[-2:] == [1, 19]


def test_the_burst_is_large_and_comes_from_many_people(scene, linker):
    expected = load_expected()
    since = ANCHOR - timedelta(minutes=expected.window_minutes)
    burst = [
        item.entry
        for item in (*scene.posts, *scene.messages)
        if item.at > since and expected.policy in linked(linker, getattr(item.entry, "title", ""), item.entry.text)
    ]
    assert len(burst) >= expected.minimum_documents
    assert len({entry.by for entry in burst}) == len(burst)


def test_the_bursts_that_deserve_no_ticket_are_there_too(scene, linker):
    since = ANCHOR - timedelta(minutes=60)
    recent = Counter(
        policy
        for item in (*scene.posts, *scene.articles)
        if item.at > since
        for policy in linked(linker, getattr(item.entry, "title", ""), item.entry.text)
    )
    for policy in load_expected().quiet:
        assert recent[policy] >= 20, policy


def test_every_policy_has_its_page_and_everyday_talk(scene, linker):
    policies = {policy.id for policy in moved_policies(ANCHOR)}
    assert {item.entry.policy for item in scene.articles if item.entry.policy} == policies
    until = ANCHOR - timedelta(hours=1)
    talk = Counter(
        policy
        for item in (*scene.posts, *scene.messages)
        if item.at < until
        for policy in linked(linker, getattr(item.entry, "title", ""), item.entry.text)
    )
    assert not {policy for policy in policies - {"water-price-trial"} if talk[policy] < 4}


def test_the_searches_find_every_post_that_names_a_policy(scene, linker):
    missed = [
        item.entry.text
        for item in scene.posts
        if linked(linker, "", item.entry.text) and not any(query in item.entry.text for query in QUERIES)
    ]
    assert missed == []


def test_reposts_and_replies_come_after_what_they_answer(scene):
    by_id = {item.entry.id: item for item in scene.posts if item.entry.id}
    assert all(by_id[item.entry.of].at < item.at for item in scene.posts if item.entry.of)
    assert all(reply.at > scene.messages[place].at for place, reply in scene.replies.items())
    assert len(scene.replies) >= 15


def test_addresses_are_unique_and_the_old_site_can_write_its_texts(scene):
    paths = [article_path(item) for item in scene.articles]
    assert len(set(paths)) == len(paths)
    for item in scene.articles:
        if item.entry.outlet == "lanyang":
            (item.entry.title + item.entry.text).encode("gbk")


def test_plans_are_valid_and_the_burst_gets_its_own():
    book = PlanBook.from_folder(WORLD / "plans")
    policy = next(policy for policy in moved_policies(ANCHOR) if policy.id == load_expected().policy)
    own = {plan.id for plan in book.plans.values() if policy.id in plan.policies}
    assert len(own) >= 2
    for level in ("blue", "yellow", "orange", "red"):
        for risk_kind in ("cost", "execution", "service"):
            assert book.choose(policy, risk_kind, level).id in own
    bound = {name for plan in book.plans.values() for name in plan.policies} - {"*"}
    assert bound <= {policy.id for policy in moved_policies(ANCHOR)}


@pytest.mark.parametrize(("ago", "expected"), [("5m", 5), ("2h", 120), ("1d1h1m", 1501)])
def test_distances_in_time(ago, expected):
    assert minutes(ago) == expected


@pytest.mark.parametrize("ago", ["", "5", "h", "1h2d", "-5m"])
def test_wrong_distances_in_time_are_refused(ago):
    with pytest.raises(ValueError, match="no distance in time"):
        minutes(ago)


def test_at_once_everything_lies_before_the_anchor():
    assert moment("50m", ANCHOR, live=False) == ANCHOR - timedelta(minutes=50)


def test_live_the_last_hour_plays_after_the_anchor():
    assert moment("60m", ANCHOR, live=True) == ANCHOR
    assert moment("30m", ANCHOR, live=True) == ANCHOR + timedelta(seconds=LIVE_SECONDS / 2)
    assert moment("0m", ANCHOR, live=True) == ANCHOR + timedelta(seconds=LIVE_SECONDS)
    assert moment("3h", ANCHOR, live=True) == ANCHOR - timedelta(hours=2)
