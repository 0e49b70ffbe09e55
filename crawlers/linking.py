"""Which links of a listing page lead to its articles: the largest block of repeated links with titles."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import lxml.html
import msgspec
from lxml import etree

from crawlers.admission import canonical_url
from crawlers.markup import base_of, element_text
from crawlers.record_lists import CLASS as RECORDS
from minsheng.errors import WrongUse

_NEXT = re.compile(r"^(?:下一页|下页|后一页|后页|next)[>›»]*$", re.IGNORECASE)
_ARROWS = frozenset(("›", "»", ">", ">>"))
_DATE = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}日?(?:\s*\d{1,2}:\d{2}(?::\d{2})?)?"
    r"|(?<![\d-])\d{1,2}[-/月]\d{1,2}日?(?:\s*\d{1,2}:\d{2})?(?![\d-])|\d+\s*(?:分钟|小时|天)前|(?:今天|昨天)(?:\s*\d{1,2}:\d{2})?"
)
_SCRIPTED = re.compile(
    r"[\"']((?:https?://|\.{0,2}/)[^\"'\s]{2,}|[\w./-]{1,200}\.(?:s?html?|jspx?|aspx?|php)(?:\?[^\"'\s]*)?)[\"']"
)
"""An address that a script is called with: `javascript:openNews('/n/1.html')`."""
_IDENTIFIER = re.compile(r"[A-Za-z_-][\w-]*")
_NAVIGATION = frozenset(["nav", "header", "footer", "aside", "form", "select"])
SENTENCE = 8
"""Links with at least so many characters look like titles rather than like menus."""


class Link(msgspec.Struct, frozen=True):
    """A link to an article: where to, under which title, and the date that stands beside it, as written."""

    url: str
    title: str
    date: str = ""
    context: str = ""


def article_links(tree: lxml.html.HtmlElement, base: str) -> list[Link]:
    """Find the links to articles by themselves: those that look alike, are many, and read like titles.

    Parameters
    ----------
    tree:
        The listing page.
    base:
        Its address.
    """
    return _links(_block(tree), base)


def block_selector(tree: lxml.html.HtmlElement, base: str) -> str:
    """The shortest CSS selector that names just the links that `article_links` finds; empty where there is none.

    One that goes by a class or an id is preferred: it does not fit the next page that is built alike by chance.
    """
    block = _block(tree)
    wanted = {link.url for link in _links(block, base)}
    if not wanted:
        return ""
    plain = ""
    chain: list[str] = []
    level = block
    for _ in range(8):
        chain.insert(0, _named(level))
        selector = " > ".join(chain)
        if {link.url for link in selected_links(tree, base, selector)} == wanted:
            if "." in selector or "#" in selector:
                return selector
            plain = plain or selector
        parents = [node.getparent() for node in level]
        if any(parent is None or parent.tag in ("body", "html") for parent in parents):
            break
        level = [parent for parent in parents if parent is not None]
    return plain


def _named(nodes: list[lxml.html.HtmlElement]) -> str:
    """What elements on one level have in common, as CSS: the tag, and an id or a class."""
    tags = {str(node.tag) for node in nodes}
    tag = tags.pop() if len(tags) == 1 else "*"
    ids = {node.get("id") or "" for node in nodes}
    if len(ids) == 1 and _IDENTIFIER.fullmatch(name := ids.pop()):
        return f"{tag}#{name}"
    classes = [(node.get("class") or "").split() for node in nodes]
    common = [name for name in classes[0] if _IDENTIFIER.fullmatch(name) and all(name in other for other in classes)]
    return f"{tag}.{common[0]}" if common else tag


def _block(tree: lxml.html.HtmlElement) -> list[lxml.html.HtmlElement]:
    """The links that look most like the list of articles."""
    # What a page hands to its script as the entries of a list is its list, whatever menus it has.
    stores = [element for element in tree.iter("div") if element.get("class") == RECORDS]
    for part in (stores, [tree]):
        groups: dict[tuple[str, ...], list[lxml.html.HtmlElement]] = defaultdict(list)
        for anchor in (anchor for element in part for anchor in element.iter("a")):
            if _target(anchor) and not _in_navigation(anchor):
                groups[_shape(anchor)].append(anchor)
        best = max(groups.values(), key=_weight, default=[])
        if best and _weight(best) > 0:
            return best
    return []


def selected_links(tree: lxml.html.HtmlElement, base: str, selector: str) -> list[Link]:
    """The links that a CSS selector, or an XPath that begins with `/`, names. Raises `WrongUse` for a wrong one."""
    return _links([anchor for node in select(tree, selector) for anchor in _anchors(node)], base)


def select(tree: lxml.html.HtmlElement, selector: str) -> list[lxml.html.HtmlElement]:
    """The elements that a CSS selector or XPath names. Raises `WrongUse` for a wrong one."""
    from lxml.cssselect import SelectorError

    try:
        is_xpath = selector.lstrip().startswith(("/", "(", "./"))
        found = tree.xpath(selector) if is_xpath else tree.cssselect(selector)
    except (SelectorError, etree.XPathError) as error:
        raise WrongUse(f"'{selector}' is no selector: {error}", "write CSS, or XPath that begins with /") from error
    return [node for node in found if isinstance(node, lxml.html.HtmlElement)] if isinstance(found, list) else []


def next_page(tree: lxml.html.HtmlElement, base: str, number: int, selector: str = "") -> str | None:
    """The address of the page after page `number`: the selector's, "下一页", or the link that reads `number + 1`."""
    origin = base_of(tree, base)
    if selector:
        found = (link for node in select(tree, selector) for a in _anchors(node) if (link := _href(a, origin)))
        return next(found, None)
    numbered = arrow = None
    host = urlsplit(base).netloc
    for anchor in tree.iter("a"):
        words = re.sub(r"[\s\[\]【】]", "", anchor.text_content())
        link = _href(anchor, origin)
        if link is None or link == canonical_url(base) or urlsplit(link).netloc != host:
            continue
        if _NEXT.match(words):
            return link
        if anchor.get("rel") == "next" or words in _ARROWS:
            arrow = arrow or link
        elif words == str(number + 1):
            numbered = numbered or link
    return numbered or arrow


def _anchors(node: lxml.html.HtmlElement) -> Iterator[lxml.html.HtmlElement]:
    if node.tag == "a":
        yield node
    else:
        yield from node.iter("a")


def _links(anchors: list[lxml.html.HtmlElement], base: str) -> list[Link]:
    found: dict[str, Link] = {}
    origin = base_of(anchors[0], base) if anchors else base
    for anchor in anchors:
        url = _href(anchor, origin)
        title = _title(anchor)
        if url is None or not title or url == canonical_url(base):
            continue
        row = _row(anchor)
        context = " ".join(element_text(row).split())[:500]
        date = _DATE.search(context.replace(title, " "))
        known = found.get(url)
        # A picture and a headline often lead to one page.
        if known is None or len(title) > len(known.title):
            found[url] = Link(url, title, date.group() if date else "", context)
    return list(found.values())


def _href(anchor: lxml.html.HtmlElement, base: str) -> str | None:
    try:
        url = urljoin(base, _target(anchor))
        return canonical_url(url) if url.startswith(("http://", "https://")) else None
    except ValueError:
        return None


def _target(anchor: lxml.html.HtmlElement) -> str:
    """Where a link leads, as written; where only its script opens that, the address which that is called with."""
    href = (anchor.get("href") or "").strip()
    if href and href[0] != "#" and not href.lower().startswith("javascript:"):
        return href
    if called := _SCRIPTED.search(f"{href} {anchor.get('onclick') or ''}"):
        return called[1]
    return (anchor.get("data-href") or anchor.get("data-url") or href).strip()


def _title(anchor: lxml.html.HtmlElement) -> str:
    """The link's words; its `title` where the words are cut."""
    words = " ".join(element_text(anchor).split())
    whole = " ".join((anchor.get("title") or "").split())
    if whole and (not words or words.rstrip(".…")[:8] == whole[:8]):
        return whole if len(whole) >= len(words.rstrip(".…")) else words
    return words


def _row(anchor: lxml.html.HtmlElement) -> lxml.html.HtmlElement:
    """The element around a link that still belongs to it alone."""
    row = anchor
    for parent in anchor.iterancestors():
        if parent.tag in ("body", "html", "tbody", "table", "ul", "ol"):
            break
        if _holds_many(parent):
            break
        row = parent
    return row


def _holds_many(element: lxml.html.HtmlElement) -> bool:
    """Whether links inside lead to more than two places. Stops at the third: lists are long."""
    seen: set[str] = set()
    for anchor in element.iter("a"):
        seen.add(_target(anchor))
        if len(seen - {""}) > 2:
            return True
    return False


def _in_navigation(anchor: lxml.html.HtmlElement) -> bool:
    return any(parent.tag in _NAVIGATION for parent in anchor.iterancestors())


def _shape(anchor: lxml.html.HtmlElement) -> tuple[str, ...]:
    """How the link lies in the page: tags and classes of the elements around it."""
    shape = []
    for node in (anchor, *anchor.iterancestors()):
        if node.tag in ("body", "html"):
            break
        # Rows are often told apart by their classes: odd, even, last.
        marks = sorted((node.get("class") or "").split())[:1] if node.tag in ("div", "ul", "table", "a") else []
        shape.append(".".join((str(node.tag), *(mark.rstrip("0123456789") for mark in marks))))
        if len(shape) == 7:
            break
    return tuple(shape)


def _weight(anchors: list[lxml.html.HtmlElement]) -> float:
    """How much a group of links looks like the list of articles."""
    titles = {_title(anchor) for anchor in anchors}
    long = [title for title in titles if len(title) >= SENTENCE]
    if len(long) < 2:
        return 0.0
    dated = sum(1 for anchor in anchors[:50] if _DATE.search(" ".join(element_text(_row(anchor)).split())))
    share = len(long) / len(titles)
    paths = {re.sub(r"\d+", "0", _path(_target(anchor)).rpartition("/")[0]) for anchor in anchors}
    alike = 1.0 if len(paths) <= max(2, len(anchors) / 3) else 0.7
    return sum(min(len(title), 40) for title in long) * share * (1 + dated / len(anchors[:50])) * alike


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""
