"""Forums and a Mastodon-like service on the sample site: the board's messages as threads, the posts as statuses."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from sample.content import Message, Post, Reply
from sample.timeline import Dated
from sample.weibo import markup, mid_of

SIZE = 20
"""Threads of a list, and statuses of an answer."""


def thread_number(item: Dated[Message]) -> int:
    return 1000 + zlib.crc32(item.entry.title.encode()) % 1_000_000


def topic_list(items: Sequence[tuple[Dated[Message], Dated[Reply] | None]], page: int) -> dict[str, Any]:
    """A list of threads as Discourse gives it; pages count from 0."""
    chosen = items[page * SIZE : (page + 1) * SIZE]
    topics = [
        {
            "id": thread_number(item),
            "title": item.entry.title,
            "posts_count": 2 if reply else 1,
            "last_posted_at": (reply or item).at.isoformat(),
        }
        for item, reply in chosen
    ]
    more = f"/latest?page={page + 1}" if (page + 1) * SIZE < len(items) else None
    return {"topic_list": {"topics": topics, "more_topics_url": more}}


def topic(item: Dated[Message], reply: Dated[Reply] | None) -> dict[str, Any]:
    """A thread as Discourse gives it: the message, and the unit's answer as the second floor."""
    posts: list[dict[str, Any]] = [
        {
            "id": thread_number(item) * 10,
            "post_number": 1,
            "username": item.entry.by,
            "created_at": item.at.isoformat(),
            "cooked": f"<p>{item.entry.text}</p>",
        }
    ]
    if reply is not None:
        posts.append(
            {
                "id": thread_number(item) * 10 + 1,
                "post_number": 2,
                "username": reply.entry.by,
                "created_at": reply.at.isoformat(),
                "cooked": f"<blockquote><p>{item.entry.title}</p></blockquote><p>{reply.entry.text}</p>",
            }
        )
    stream = [post["id"] for post in posts]
    return {"id": thread_number(item), "title": item.entry.title, "post_stream": {"posts": posts, "stream": stream}}


def status(item: Dated[Post], by_id: Mapping[str, Dated[Post]]) -> dict[str, Any]:
    """A post as Mastodon gives it."""
    post = item.entry
    return {
        "id": mid_of(post),
        "created_at": item.at.astimezone(UTC).isoformat(),
        "visibility": "public",
        "url": f"/weibo/status/{mid_of(post)}",
        "content": f"<p>{markup(post.text)}</p>",
        "account": {"acct": post.by, "noindex": False},
        "favourites_count": post.likes,
        "reblogs_count": post.reposts,
        "replies_count": post.comments,
        "reblog": status(by_id[post.of], by_id) if post.of else None,
        "media_attachments": [],
    }
