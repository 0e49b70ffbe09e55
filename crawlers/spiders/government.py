"""Columns of government sites: documents with their particulars and files, interpretations, consultations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.admission import Found
from crawlers.attached import READABLE, file_links, file_text, kind_of
from crawlers.extraction import extract
from crawlers.linking import Link
from crawlers.markup import base_of, parse_html
from crawlers.official import read_official
from crawlers.spiders.base import GONE, body_text
from crawlers.spiders.listing import ListingOptions, ListingSpider
from minsheng.errors import BadInput
from minsheng.records import MAX_TEXT, Attachment


class GovernmentOptions(ListingOptions, frozen=True, kw_only=True):
    """Options of a government column; those of a listing, and:"""

    attachments: bool = True  # read the words of PDF, DOC, DOCX, XLS, XLSX, WPS, OFD and TXT files
    most_attachments: int = 10  # files read of one document


class GovernmentSpider(ListingSpider):
    """Reads a column of a government site, each document's particulars, and the files that belong to it."""

    kind = "government"
    summary = "government columns: policy documents, interpretations, consultations"
    Options = GovernmentOptions

    def article(self, response: Response, link: Link) -> tuple[list[Found], bool]:
        now = self.run.now()
        # The words are taken first: the tree that they are taken from is pruned.
        html = body_text(response)
        page = extract(html, response.url, now)
        tree = parse_html(html)
        if tree is None:
            raise BadInput(f"{response.url} is an empty page")
        official = read_official(tree, page.title or link.title, page.text, page.published_at or now)
        found = Found(
            key=link.url,
            kind=self.options.kind,
            title=page.title or link.title,
            text=page.text,
            url=link.url,
            published=page.published_at or link.date or page.published_raw,
            outlet=page.outlet or (official.issuer if official else None) or None,
            author=page.author,
            next_page=page.next_page,
            attachments=file_links(tree.iter("a"), base_of(tree, response.url)),
            official=official,
        )
        return [found], True

    async def complete(self, found: list[Found], response: Response) -> tuple[list[Found], bool]:
        """Each document with the words of its files after its own; False where a file is to be asked for again."""
        whole = True
        completed = []
        for one in found:
            words, missing = await self._words(one)
            whole = whole and not missing
            completed.append(msgspec.structs.replace(one, text="\n".join(filter(None, (one.text, *words)))))
        return completed, whole

    async def listed_file(self, link: Link) -> AsyncIterator[Any]:
        """A link of the list that leads to a file: its words are the document's."""
        if not self.options.attachments or kind_of(link.url) not in READABLE:
            async for result in super().listed_file(link):
                yield result
            return
        yield await self.page(link.url, self.file, link.title, link=link)

    def file(self, response: Response, link: Link) -> tuple[list[Found], bool]:
        text = file_text(response.body, kind_of(response.url) or kind_of(link.url), link.url)
        found = Found(
            key=link.url,
            kind=self.options.kind,
            title=link.title,
            text=text,
            url=link.url,
            published=link.date or None,
            attachments=(Attachment(url=link.url, name=link.title),),
        )
        return [found], True

    async def _words(self, found: Found) -> tuple[list[str], bool]:
        """The words of a document's files, each under the file's name; and whether one could not be had."""
        words: list[str] = []
        missing = False
        size = len(found.text)
        readable = [
            file
            for file in found.attachments
            if file.url != found.url and kind_of(file.url, file.media_type, file.name) in READABLE
        ]
        for file in readable[: self.options.most_attachments] if self.options.attachments else ():
            if size > MAX_TEXT:
                break
            try:
                text = await self._file(file)
            except BadInput as error:
                # A file that is broken stays broken: the document is whole without it.
                self.run.refused("attachment can't be read", str(error))
                continue
            except Exception as error:
                self.not_had(file.url, error)
                missing = True
                continue
            if text:
                words += [f"【附件】{file.name}", text]
                size += len(text)
        if self.options.attachments:
            words += [
                f"【附件】{file.name}（附件未读取：格式 {kind.upper()}）"
                for file in found.attachments
                if (kind := kind_of(file.url, file.media_type, file.name)) and kind not in READABLE
            ]
        return words, missing

    async def _file(self, file: Attachment) -> str:
        try:
            response = await self.fetch(file.url)
        except IgnoreRequest as error:
            raise BadInput(f"{file.url}: {error}") from error
        if response.status in GONE:
            raise BadInput(f"{file.url} answered {response.status}")
        if response.status != 200:
            raise OSError(f"answered {response.status}")
        kind = kind_of(file.url, file.media_type, file.name)
        return await asyncio.to_thread(file_text, response.body, kind, file.url)
