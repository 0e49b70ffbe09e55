"""HTML to text and trees."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import lxml.html
from lxml import etree

BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p",
    "pre", "section", "table", "tr", "ul",
))  # fmt: skip
SILENT = frozenset(["script", "style", "noscript", "template", "iframe", "object", "svg", "head"])
_CELLS = frozenset(["td", "th"])
_LOOKS_LIKE_HTML = re.compile(r"<[a-zA-Z/!][^>]*>|&[a-zA-Z#]\w*;")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def parse_html(text: str) -> lxml.html.HtmlElement | None:
    """The tree of a page; None where there is nothing in it."""
    text = _XML_DECLARATION.sub("", text.replace("\x00", ""), count=1)
    if not text.strip():
        return None
    parser = lxml.html.HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(text, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return tree if isinstance(tree, lxml.html.HtmlElement) else None


def page_title(tree: lxml.html.HtmlElement) -> str:
    """What stands in a page's `<title>`; empty where it has none."""
    return " ".join(" ".join(node.text_content() for node in tree.iter("title")).split())


def base_of(tree: lxml.html.HtmlElement, url: str) -> str:
    """What a page's links count from: its `<base>`, as far as that is a web address; else its own address `url`."""
    root = tree.getroottree().getroot()
    for element in root.iter("base", "body"):
        if element.tag == "body":
            break
        if href := (element.get("href") or "").strip():
            try:
                base = urljoin(url, href)
            except ValueError:
                break
            return base if base.startswith(("http://", "https://")) else url
    return url


def html_text(fragment: str) -> str:
    """The words of a piece of HTML, a line for each block; plain text stays as it is."""
    if not _LOOKS_LIKE_HTML.search(fragment):
        return fragment
    tree = parse_html(f"<div>{fragment}</div>")
    return "" if tree is None else element_text(tree)


def element_text(element: lxml.html.HtmlElement) -> str:
    """The words of an element, a line for each block, a space between cells.

    Pictures that stand for words, as `[微笑]`, give their `alt`.
    """
    parts: list[str] = []
    # Not recursive: pages nest deeper than Python's stack.
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            if tag in BLOCKS:
                parts.append("\n")
            elif tag in _CELLS:
                parts.append(" ")
            if tag == "img" and (alt := node.get("alt", "")).startswith("["):
                parts.append(alt)
            if tag not in SILENT and node.text:
                parts.append(node.text.replace("\n", " ") if tag != "pre" else node.text)
        elif event == "end":
            if tag in BLOCKS:
                parts.append("\n")
            if node is not element and node.tail and not _inside_silent(node, element):
                parts.append(node.tail.replace("\n", " "))
        elif node.tail and not _inside_silent(node, element):
            parts.append(node.tail.replace("\n", " "))
    lines = (re.sub(r"[ \t\r\u00a0\u3000]+", " ", line).strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _inside_silent(node: etree._Element, root: etree._Element) -> bool:
    parent = node.getparent()
    return parent is not None and parent.tag in SILENT
