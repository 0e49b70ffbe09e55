"""Articles that go over several pages: the pages behind the first are fetched, and their texts put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crawlers.admission import Found
from crawlers.extraction import Page
from crawlers.paging import MOST_PAGES, joined_text
from minsheng.errors import BadInput

ReadPage = Callable[[str], Awaitable[Page]]


async def follow(found: Found, read_page: ReadPage) -> str:
    """Put the texts of the pages that an article goes on at behind its own.

    Parameters
    ----------
    found:
        The article's first page; its `next_page` says where it goes on. Changed in place: text and attachments.
    read_page:
        Fetches and reads a page; raises `BadInput` where it can't. Other errors, such as that the host wants rest, go
        through, with `found` as it was.

    Returns
    -------
    What went wrong at the first page that could not be had, empty where the article is whole. What was had until
    there is kept.
    """
    texts, files, seen = [found.text], {file.url: file for file in found.attachments}, {found.url, found.key}
    following, wrong = found.next_page, ""
    while following and following not in seen and len(texts) < MOST_PAGES:
        seen.add(following)
        try:
            page = await read_page(following)
        except BadInput as error:
            wrong = f"{following}: {error}"
            break
        texts.append(page.text)
        files |= {file.url: file for file in page.attachments}
        following = page.next_page
    found.text = joined_text(texts)
    found.attachments = tuple(files.values())
    found.next_page = None
    return wrong
