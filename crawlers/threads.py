"""Threads of forums: Discourse and NodeBB by their JSON; Discuz!, phpBB and their like by their pages."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import lxml.html
import msgspec

from crawlers.linking import select
from crawlers.markup import element_text, html_text

THREADS = "a.xst, a.topictitle, a.s.xst, .topic-title a, .thread-title a, a[href*='thread-'], a[href*='viewtopic']"
POSTS = "div[id^='post_'], div.post[id^='p'], article.post, li.post, .floor, .post-item"
AUTHOR = ".authi a.xw1, .pi .authi a, .author a.username, .author .username, .username, .author strong, .author"
TIME = "em[id^='authorposton'], time, .post-time, .time, .date, p.author"
TEXT = "td.t_f, .t_f, .postbody .content, .content, .post-content, .message"
FLOOR = "a[id^='postnum'], .floor-number, .post-number"
QUOTE = "blockquote, .quote, .pstatus"

READERS = (".views", "td.num em", ".view-count", ".views-count", ".read-count", "td.views")
"""In a list's row: how often a thread was read."""
MOST_COUNT = 12
"""Characters of a count, with what it is called."""
_PASSING = re.compile(
    r"(?:浏览|查看|阅读|点击|人气)(?:量|数|次数)?\s*[:：]?\s*[\d,.]+\s*[万wWkK]?"
    r"|[\d,.]+\s*[万wWkK]?\s*次?(?:浏览|查看|阅读|点击)(?!\s*[:：]?\s*\d)"
    r"|\d+\s*(?:秒钟?|分钟|个?小时)前"
)


class Floor(msgspec.Struct, kw_only=True):
    """One post of a thread.

    Attributes
    ----------
    number:
        What the forum calls it; the place in the thread where it calls it nothing.
    answers:
        The number of the post that it answers, where that is not the first one.
    """

    number: str
    text: str
    author: str = ""
    time: str = ""
    answers: str = ""
    likes: int | None = None


class Thread(msgspec.Struct, kw_only=True):
    """A thread as a list shows it: where it lies, and what changes when somebody answers."""

    url: str
    title: str
    state: str


def listed_in_json(value: Any, base: str) -> list[Thread] | None:
    """The threads of an answer of Discourse or NodeBB; None where it is neither."""
    if not isinstance(value, dict):
        return None
    topics = value.get("topic_list", {}).get("topics") if isinstance(value.get("topic_list"), dict) else None
    if isinstance(topics, list):
        return [
            Thread(url=f"{base}/t/{topic['id']}.json", title=str(topic.get("title") or ""), state=_state(topic))
            for topic in topics
            if isinstance(topic, dict) and topic.get("id")
        ]
    if isinstance(value.get("topics"), list):
        return [
            Thread(
                url=f"{base}/api/topic/{topic['tid']}",
                title=html_text(str(topic.get("title") or "")),
                state=_state(topic),
            )
            for topic in value["topics"]
            if isinstance(topic, dict) and topic.get("tid")
        ]
    return None


def _state(topic: Mapping[str, Any]) -> str:
    return " ".join(
        str(topic.get(name) or "")
        for name in ("posts_count", "postcount", "last_posted_at", "lastposttimeISO", "lastposttime")
    )


def state_of(row: lxml.html.HtmlElement, title: str) -> str:
    """The numbers and times in a list's row that change when somebody answers; not how often it was read, nor how long
    ago that was: those change by themselves."""
    kept = copy.deepcopy(row)
    for selector in READERS:
        for node in select(kept, selector):
            if node.getparent() is not None and len(element_text(node)) <= MOST_COUNT:
                node.drop_tree()
    words = " ".join(element_text(kept).split()).replace(title, "")
    return " ".join(re.findall(r"\d[\d:-]*", _PASSING.sub(" ", words)))


def floors_in_json(value: Any) -> tuple[str, list[Floor], int] | None:
    """A thread's title, its floors, and its number of pages; None where the answer is no thread."""
    if not isinstance(value, dict):
        return None
    stream = value.get("post_stream")
    if isinstance(stream, dict) and isinstance(stream.get("posts"), list):
        posts = [post for post in stream["posts"] if isinstance(post, dict)]
        floors = [
            Floor(
                number=str(post.get("post_number") or place),
                text=_own_words(str(post.get("cooked") or "")),
                author=str(post.get("username") or ""),
                time=str(post.get("created_at") or ""),
                answers=str(post.get("reply_to_post_number") or ""),
                likes=_likes(post),
            )
            for place, post in enumerate(posts, start=1)
        ]
        size = max(len(posts), 1)
        whole = len(stream["stream"]) if isinstance(stream.get("stream"), list) else len(posts)
        return str(value.get("title") or ""), floors, -(-whole // size)
    if isinstance(value.get("posts"), list) and value.get("tid"):
        posts = [post for post in value["posts"] if isinstance(post, dict)]
        numbers = {str(post.get("pid")): str(_whole(post.get("index"), place) + 1) for place, post in enumerate(posts)}
        floors = [
            Floor(
                number=numbers[str(post.get("pid"))],
                text=_own_words(str(post.get("content") or "")),
                author=_user_name(post.get("user")),
                time=str(post.get("timestampISO") or post.get("timestamp") or ""),
                answers=numbers.get(str(post.get("toPid") or ""), ""),
                likes=post.get("upvotes") if isinstance(post.get("upvotes"), int) else None,
            )
            for post in posts
        ]
        pages = value["pagination"].get("pageCount") if isinstance(value.get("pagination"), dict) else 1
        return html_text(str(value.get("title") or "")), floors, _whole(pages, 1)
    return None


def _whole(value: Any, default: int) -> int:
    """A number as services write it, also in words; the default where it is none."""
    text = str(value).strip()
    return int(text[:9]) if text.isdecimal() and not isinstance(value, bool) else default


def _user_name(user: Any) -> str:
    return str(user.get("username") or "") if isinstance(user, dict) else ""


def _likes(post: Mapping[str, Any]) -> int | None:
    if isinstance(post.get("like_count"), int):
        return int(post["like_count"])
    actions = post.get("actions_summary")
    for action in actions if isinstance(actions, list) else ():
        if isinstance(action, dict) and action.get("id") == 2:
            return _whole(action.get("count"), 0)
    return None


def _own_words(html: str) -> str:
    """A post without what it quotes: those are others' words."""
    from crawlers.markup import parse_html

    tree = parse_html(f"<div>{html}</div>")
    if tree is None:
        return ""
    _drop(tree, "aside.quote, blockquote")
    return element_text(tree)


def _drop(tree: lxml.html.HtmlElement, selector: str) -> None:
    for node in each(tree, selector):
        if node.getparent() is not None:
            node.drop_tree()


def floors_in_page(tree: lxml.html.HtmlElement, selectors: Mapping[str, str], before: int) -> list[Floor]:
    """The floors of a thread's page.

    Parameters
    ----------
    selectors:
        `posts`, `author`, `time`, `text`, `floor`, `quote`.
    before:
        Floors on the pages before it.
    """
    found = []
    for place, block in enumerate(_blocks(tree, selectors["posts"]), start=before + 1):
        texts = each(block, selectors["text"])
        if not texts:
            continue
        time_node = next(iter(each(block, selectors["time"])), None)
        number = re.search(r"\d+", _words(block, selectors["floor"]))
        words = texts[0]
        quoted = " ".join(element_text(node) for node in each(words, selectors["quote"]))
        answered = re.search(r"(\d+)\s*(?:楼|#)", quoted)
        _drop(words, selectors["quote"])
        found.append(
            Floor(
                number=number[0] if number else str(place),
                text=element_text(words),
                author=_words(block, selectors["author"]),
                time=_time(time_node),
                answers=answered[1] if answered else "",
            )
        )
    return found


def _blocks(tree: lxml.html.HtmlElement, selector: str) -> list[lxml.html.HtmlElement]:
    """The posts that lie in no other post, by the first of the selectors that finds any."""
    found = each(tree, selector)
    inside = set(found)
    return [node for node in found if not any(parent in inside for parent in node.iterancestors())]


def _time(node: lxml.html.HtmlElement | None) -> str:
    if node is None:
        return ""
    titled = next(
        (one.get("title") for one in node.iter() if one.get("title") and re.search(r"\d", one.get("title") or "")), None
    )
    return node.get("datetime") or titled or " ".join(element_text(node).split()).removeprefix("发表于").strip()


def _words(block: lxml.html.HtmlElement, selector: str) -> str:
    return next((words for node in each(block, selector) if (words := " ".join(element_text(node).split()))), "")


def each(tree: lxml.html.HtmlElement, selector: str) -> Sequence[lxml.html.HtmlElement]:
    """What the first of several selectors, divided by commas, names; XPath is one selector."""
    one_only = selector.lstrip().startswith(("/", "(", "./"))
    for one in [selector] if one_only else _parts(selector):
        if found := select(tree, one):
            return found
    return []


def _parts(selector: str) -> Iterator[str]:
    yield from (part for one in selector.split(",") if (part := one.strip()))
