"""`minsheng sources`: what is watched, and how each is doing; `minsheng extract`: one page."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from minsheng.cli import context
from minsheng.errors import BadInput, WrongUse

if TYPE_CHECKING:
    from crawlers.checking import Checked
    from crawlers.run import RunReport
    from minsheng.records import Document

app = typer.Typer(help="The sources that are watched.", no_args_is_help=True)

OPTION = typer.Option("--option", "-o", metavar="KEY=VALUE", help="An option of the kind; can be repeated.")


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where it is.")],
    kind: Annotated[str | None, typer.Option(help="Its kind; default: found out by asking the address.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Its id; default: made of the address.")] = None,  # noqa: A002
    name: Annotated[str, typer.Option(help="Its name, for people.")] = "",
    every: Annotated[str, typer.Option(help="How often it is crawled: 15m, 1h, 1d.")] = "15m",
    quiet_after: Annotated[str, typer.Option(help="How long it may bring nothing new, e.g. 3d.")] = "",
    note: Annotated[str, typer.Option(help="A note, for people.")] = "",
    option: Annotated[list[str] | None, OPTION] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Add a source: writes its file, to be edited at will."""
    from crawlers.checking import check_address, suggest_id
    from crawlers.sources import FOLDER, make_source, sync_folder, write_source
    from minsheng.clock import SystemClock

    settings = context.settings()
    options = _options(option)
    if kind is None:
        kind = check_address(url, None, options, settings, SystemClock(), limit=1).source.kind
    values = {
        "id": id or suggest_id(url),
        "kind": kind,
        "url": url,
        "name": name,
        "every": every,
        "quiet_after": quiet_after,
        "note": note,
        "options": options,
    }
    source = make_source(values, "the command line")
    path = write_source(source, settings.path(FOLDER))
    sync_folder(context.store(), settings.path(FOLDER))
    if json:
        context.print_json({"source": source, "file": str(path)})
        return
    context.console().print(f"{source.id} ({source.kind}) → {path}", markup=False, soft_wrap=True)


@app.command()
def check(
    source: Annotated[str, typer.Argument(metavar="URL|ID", help="An address, or a source's id.")],
    kind: Annotated[str | None, typer.Option(help="Read the address as this kind of source.")] = None,
    option: Annotated[list[str] | None, OPTION] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many pages that it leads to are fetched.")] = 10,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show what a source would give, without storing anything."""
    from crawlers.checking import check as check_source
    from crawlers.checking import check_address
    from minsheng.clock import SystemClock

    settings = context.settings()
    if source.startswith(("http://", "https://")):
        checked = check_address(source, kind, _options(option), settings, SystemClock(), limit=limit)
    else:
        checked = check_source(_known(source), settings, SystemClock(), limit=limit)
    if json:
        context.print_json(checked)
    else:
        _show(checked)
    if not checked.report.ok:
        raise typer.Exit(1)


@app.command()
def run(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Default: all that are enabled.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Crawl sources once, now, onto the log."""
    from crawlers.stage import CrawlStage
    from minsheng.clock import SystemClock
    from minsheng.parts import open_log

    log = open_log(context.settings())
    try:
        reports = CrawlStage(context.settings(), context.store(), log, SystemClock()).run_once(sources)
    finally:
        log.close()
    if json:
        context.print_json(reports)
    else:
        _show_reports(reports)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def extract(
    page: Annotated[str, typer.Argument(metavar="FILE|URL", help="A saved page, or an address.")],
    url: Annotated[str | None, typer.Option(help="Where a saved page is from.")] = None,
) -> None:
    """Read one article page: prints the document as JSON."""
    context.print_json(_page_at(page) if page.startswith(("http://", "https://")) else _page_in(Path(page), url))


def _page_at(url: str) -> Document:
    from crawlers.checking import check_address
    from minsheng.clock import SystemClock

    checked = check_address(url, "page", {}, context.settings(), SystemClock())
    if not checked.documents:
        raise BadInput(checked.report.error or f"{url} has no article")
    document = checked.documents[0]
    return msgspec.structs.replace(document, source=document.outlet or document.source)


def _page_in(path: Path, url: str | None) -> Document:
    import secrets

    from crawlers.admission import Admission, Found, Refusal
    from crawlers.charset import decode
    from crawlers.extraction import extract as read_page
    from crawlers.privacy import AuthorKeys
    from minsheng.clock import SystemClock

    try:
        body = path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}", "give a file or an address") from error
    now = SystemClock().now()
    found = read_page(decode(body), url or path.name, now)
    document = Admission(found.outlet or path.stem, AuthorKeys(secrets.token_bytes(32)))(
        Found(
            key=found.url,
            kind="news",
            title=found.title,
            text=found.text,
            url=url,
            published=found.published_at or found.published_raw,
            outlet=found.outlet,
            author=found.author,
            attachments=found.attachments,
        ),
        now,
    )
    if isinstance(document, Refusal):
        raise BadInput(f"{path}: {document.reason}")
    return document


def _known(name: str) -> Any:
    from crawlers.sources import FOLDER, load_sources, nearest, sync_folder

    store = context.store()
    for error in sync_folder(store, context.settings().path(FOLDER)):
        context.errors().print(f"left out: {error}", markup=False, soft_wrap=True)
    found = {source.id: source for source in load_sources(store)}
    if name not in found:
        raise WrongUse(f"there is no source '{name}'", nearest(name, list(found)) if found else "give an address")
    return found[name]


def _options(pairs: list[str] | None) -> dict[str, Any]:
    """`pages=3` → 3; what is no TOML value is the text itself."""
    options: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUse(f"--option {pair}: not of the form KEY=VALUE", "for example --option pages=3")
        try:
            options[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            options[key] = value
    return options


def _show(checked: Checked) -> None:
    from minsheng.clock import CHINA

    report = checked.report
    context.print_table(
        f"{checked.source.url} as {checked.source.kind}: {len(checked.documents)} documents",
        ("published", "title", "text", "url"),
        [
            (
                ("≈ " if d.published_estimated else "") + d.published_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M"),
                d.title or d.text[:40],
                len(d.text),
                d.url,
            )
            for d in checked.documents
        ],
    )
    for reason, times in report.rejected.items():
        context.errors().print(f"{times} left out: {reason}", markup=False, soft_wrap=True)
    if report.error:
        context.errors().print(report.error, markup=False, soft_wrap=True)


def _show_reports(reports: list[RunReport]) -> None:
    context.print_table(
        f"{sum(report.ok for report in reports)} of {len(reports)} sources answered",
        ("source", "ok", "items", "new", "unchanged", "left out", "failed pages", "seconds", "error"),
        [
            (r.source, "yes" if r.ok else "no", r.items, r.new, r.unchanged, sum(r.rejected.values()) or "",
             r.failed or "", f"{r.seconds:.1f}", r.error)
            for r in reports
        ],
    )  # fmt: skip
