"""Lists of sources for others and from others: OPML where they are feeds, TOML for every kind."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from lxml import etree

from crawlers.checking import suggest_id
from crawlers.sources import Source, make_source, write_source
from minsheng.errors import BadInput, WrongUse

OWN = "urn:minsheng:source"
"""The namespace of what OPML itself has no place for."""
_KEPT = ("id", "every", "quiet_after", "note")


class Taken(NamedTuple):
    """What came of an import: the sources added, and for each other one its name and why it was left out."""

    added: list[Source]
    left_out: list[tuple[str, str]]


def to_opml(sources: Iterable[Source]) -> str:
    """The feeds among the sources as OPML 2.0, as every feed reader takes it."""
    root = etree.Element("opml", version="2.0", nsmap={"minsheng": OWN})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = "Minsheng"
    body = etree.SubElement(root, "body")
    for source in sources:
        if source.kind != "feed":
            continue
        outline = etree.SubElement(
            body, "outline", type="rss", text=source.label, title=source.label, xmlUrl=source.url
        )
        for name in _KEPT:
            if value := getattr(source, name):
                outline.set(f"{{{OWN}}}{name}", value)
        if source.options.get("full_text"):
            outline.set(f"{{{OWN}}}full_text", "true")
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def to_toml(sources: Iterable[Source]) -> str:
    """All sources as one TOML file, a table `[[sources]]` each."""
    import tomlkit

    defaults = msgspec.to_builtins(Source(id="", kind="", url=""))
    tables = tomlkit.aot()
    for source in sources:
        table = tomlkit.table()
        for key, value in msgspec.to_builtins(source).items():
            if key in ("id", "kind", "url", "every") or value != defaults[key]:
                table.add(key, value)
        tables.append(table)
    document = tomlkit.document()
    document.add("sources", tables)
    return tomlkit.dumps(document)


def recipes(word: str = "") -> list[Source]:
    """The sources that are shipped as recipes and whose id, name or kind holds a word. None of them was tried.

    A Chinese word may be a short form of a name: 医保 finds 国家医疗保障局.
    """
    short = re.compile(".*".join(map(re.escape, word)) if re.fullmatch(r"[\u4e00-\u9fff]{2,4}", word) else r"(?!)")
    files = sorted((Path(__file__).parent / "recipes").glob("*.toml"))
    found = [make_source(values, file.name) for file in files for values in read_list(file)]
    return [
        one
        for one in found
        if word.lower() in f"{one.id} {one.name} {one.kind}".lower() or short.search(one.name.partition(" ")[0])
    ]


def read_list(path: Path) -> list[dict[str, Any]]:
    """The values of the sources in an OPML or TOML file, not checked yet.

    Raises
    ------
    WrongUse
        If the file can't be read.
    BadInput
        If it is neither.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from error
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return list(_opml(body, path))
    try:
        value = tomllib.loads(body.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is neither OPML nor TOML: {error}") from error
    sources = value.get("sources")
    if not isinstance(sources, list) or not all(isinstance(one, dict) for one in sources):
        raise BadInput(f"{path} has no [[sources]]", "write a table [[sources]] for each")
    return sources


def take(values: Sequence[Mapping[str, Any]], folder: Path, known: Iterable[Source], *, enabled: bool = True) -> Taken:
    """Write a file for each source of a list that is not there yet.

    Other readers' lists give no ids: there it is the address that tells what is there.

    Parameters
    ----------
    known:
        The sources that are there.
    enabled:
        False adds them switched off, to be looked at first.
    """
    known = list(known)
    taken = {source.id for source in known}
    there = {(source.kind, source.url): source.id for source in known}
    added: list[Source] = []
    left_out: list[tuple[str, str]] = []
    for one in values:
        name = str(one.get("name") or one.get("id") or one.get("url") or "?")
        given = "id" in one
        wanted = str(one.get("id") or suggest_id(str(one.get("url", ""))))
        if given and wanted in taken:
            left_out.append((name, f"there is a source {wanted} already"))
            continue
        if not given and (same := there.get((str(one.get("kind")), str(one.get("url"))))):
            left_out.append((name, f"it is there already, as {same}"))
            continue
        try:
            source = make_source({**one, "id": _free(wanted, taken)}, name)
            if not enabled:
                source = msgspec.structs.replace(source, enabled=False)
            write_source(source, folder)
        except WrongUse as error:
            left_out.append((name, error.message))
            continue
        taken.add(source.id)
        added.append(source)
    return Taken(added, left_out)


def _free(wanted: str, taken: set[str]) -> str:
    """The id, with a number where another source of the list has it."""
    if wanted not in taken:
        return wanted
    return next(name for number in range(2, len(taken) + 3) if (name := f"{wanted[:95]}-{number}") not in taken)


def _opml(body: bytes, path: Path) -> Iterator[dict[str, Any]]:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"{path} is no OPML: {error}") from error
    if root is None or etree.QName(root).localname != "opml":
        raise BadInput(f"{path} is no OPML")
    seen: set[str] = set()
    for outline in root.iter("outline"):
        url = (outline.get("xmlUrl") or "").strip()
        # Readers list a feed under each of its folders.
        if not url or url in seen:
            continue
        seen.add(url)
        values: dict[str, Any] = {"kind": "feed", "url": url}
        name = (outline.get("title") or outline.get("text") or "").strip()
        folders = [parent.get("text") or parent.get("title") or "" for parent in outline.iterancestors("outline")]
        values |= {"name": name[:200]} if name else {}
        values |= {"note": "/".join(reversed(folders))} if any(folders) else {}
        values |= {key: said for key in _KEPT if (said := outline.get(f"{{{OWN}}}{key}"))}
        if outline.get(f"{{{OWN}}}full_text") == "true":
            values["options"] = {"full_text": True}
        yield values
