"""`minsheng sources`: what is watched, and how each is doing; `minsheng extract`: one page."""

from __future__ import annotations

import sys
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

SHOWN = 40
"""Things that a check shows in its table."""

STEPS = 12
"""Last places of a hot term that a table shows."""

app = typer.Typer(help="The sources that are watched.", no_args_is_help=True)

OPTION = typer.Option("--option", "-o", metavar="KEY=VALUE", help="An option of the kind; can be repeated.")


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where it is.")],
    kind: Annotated[str | None, typer.Option(help="Its kind; default: found out by asking the address.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Its id; default: made of the address.")] = None,  # noqa: A002
    name: Annotated[str, typer.Option(help="Its name, for people.")] = "",
    every: Annotated[
        str | None, typer.Option(help="How often it is crawled: 15m, 1h, 1d. Default: as what it holds suggests.")
    ] = None,
    quiet_after: Annotated[
        str | None, typer.Option(help="How long it may bring nothing new, e.g. 3d. Default: as what it holds suggests.")
    ] = None,
    note: Annotated[str, typer.Option(help="A note, for people.")] = "",
    option: Annotated[list[str] | None, OPTION] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Add a source: writes its file, to be edited at will."""
    from crawlers.checking import check_address, suggest_id
    from crawlers.sources import FOLDER, make_source, shown, sync_folder, write_source
    from minsheng.clock import SystemClock

    settings = context.settings()
    options = _options(option)
    values: dict[str, Any] = {"kind": kind, "url": url, "name": name, "options": options}
    if kind is None:
        proposed = check_address(url, None, options, settings, SystemClock(), limit=1).proposed
        values = {
            "kind": proposed.kind,
            "url": proposed.url,
            "name": name or proposed.name,
            "every": proposed.every,
            "quiet_after": proposed.quiet_after,
            "options": proposed.options,
        }
    given = {"every": every, "quiet_after": quiet_after, "note": note}
    values |= {key: value for key, value in given.items() if value is not None}
    values["id"] = id or suggest_id(values["url"])
    source = make_source(values, "the command line")
    path = write_source(source, settings.path(FOLDER))
    sync_folder(context.store(), settings.path(FOLDER))
    if json:
        context.print_json({"source": shown(source), "file": str(path)})
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
    """Show what a source would give, and settings that fit it, without storing anything."""
    from crawlers.checking import check as check_source
    from crawlers.checking import check_address
    from crawlers.sources import shown
    from minsheng.clock import SystemClock

    settings = context.settings()
    if "://" in source:
        checked = check_address(
            source, kind, _options(option), settings, SystemClock(), limit=limit, store=context.store()
        )
    else:
        checked = check_source(known(source), settings, SystemClock(), limit=limit, store=context.store())
    checked = msgspec.structs.replace(checked, source=shown(checked.source), proposed=shown(checked.proposed))
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


@app.command()
def terms(
    length: Annotated[int, typer.Option(min=4, help="Characters that a service's search takes.")] = 20,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show what services are searched for: the terms of the register's policies that are public by now."""
    from crawlers.search_terms import policy_terms
    from minsheng.clock import CHINA, SystemClock
    from minsheng.policies import PolicyRegister

    today = SystemClock().now().astimezone(CHINA).date()
    found = policy_terms(PolicyRegister(context.store()).all(), today, length)
    if json:
        context.print_json(found)
    else:
        context.print_table(f"{len(found)} terms", ("term",), [(term,) for term in found])


@app.command()
def recipes(
    word: Annotated[str, typer.Argument(help="Only those whose id, name or kind holds this.")] = "",
    toml: Annotated[bool, typer.Option("--toml", help="Print them as a list to import.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show recipes for well-known public sources. None was verified here: check each before you add it."""
    from crawlers.source_lists import recipes as shipped
    from crawlers.source_lists import to_toml

    found = shipped(word)
    if json:
        context.print_json(found)
    elif toml:
        typer.echo(to_toml(found))
    else:
        context.print_table(
            f"{len(found)} recipes, not verified here: minsheng sources check URL --kind KIND",
            ("id", "name", "kind", "url"),
            [(one.id, one.name, one.kind, one.url) for one in found],
        )


@app.command("export")
def export_sources(
    file: Annotated[Path, typer.Argument(help="A file that ends in .opml (feeds only) or .toml (every kind).")],
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Keep keys and passwords that stand in addresses and options.")
    ] = False,
) -> None:
    """Write the sources to one file, for another reader or another Minsheng.

    Logins are never in it; keys and passwords in addresses and options are hidden unless you ask for them.
    """
    from crawlers.source_lists import to_opml, to_toml
    from crawlers.sources import FOLDER, load_sources, shown, sync_folder

    writers = {".opml": to_opml, ".toml": to_toml}
    if file.suffix.lower() not in writers:
        raise WrongUse(f"{file}: what form is it to have?", "let its name end in .opml or .toml")
    store = context.store()
    broken = sync_folder(store, context.settings().path(FOLDER))
    known = load_sources(store)
    sources = [source for source in known if source.kind == "feed" or file.suffix.lower() != ".opml"]
    written_as = sources if with_secrets else [shown(source) for source in sources]
    file.write_text(writers[file.suffix.lower()](written_as), encoding="utf-8")
    said = [f"left out: {error}" for error in broken]
    if len(sources) < len(known):
        said.append(f"left out: {len(known) - len(sources)} that are no feeds; a name that ends in .toml takes all")
    if hidden := [source.id for source, written in zip(sources, written_as, strict=True) if source != written]:
        said.append(
            f"without their keys and passwords: {', '.join(hidden)}; write them into the file before you import it"
            " (--with-secrets keeps them)"
        )
    said.append(f"{len(sources)} of {len(known) + len(broken)} sources → {file}")
    for line in said:
        context.errors().print(line, markup=False, soft_wrap=True)


@app.command("import")
def import_sources(
    file: Annotated[Path, typer.Argument(help="An OPML file of any feed reader, or a TOML file as export writes it.")],
    disabled: Annotated[bool, typer.Option("--disabled", help="Add them switched off, to be looked at first.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Add the sources of a list, one file each; what is there already stays as it is."""
    from crawlers.source_lists import read_list, take
    from crawlers.sources import FOLDER, load_sources, shown, sync_folder

    store, folder = context.store(), context.settings().path(FOLDER)
    sync_folder(store, folder)
    taken = take(read_list(file), folder, load_sources(store), enabled=not disabled)
    sync_folder(store, folder)
    if json:
        context.print_json({"added": [shown(one) for one in taken.added], "left_out": taken.left_out})
        return
    for name, reason in taken.left_out:
        # What is wrong with a source names it.
        said = reason if reason.startswith(f"{name}: ") else f"{name}: {reason}"
        context.errors().print(f"left out: {said}", markup=False, soft_wrap=True)
    if not taken.added:
        context.errors().print("no source added", markup=False)
        return
    context.print_table(
        f"{len(taken.added)} sources added",
        ("id", "kind", "url"),
        [(one.id, one.kind, shown(one).url) for one in taken.added],
    )


@app.command()
def login(
    source: Annotated[str, typer.Argument(metavar="ID", help="A source's id.")],
    forget: Annotated[bool, typer.Option("--forget", help="Remove the cookie instead.")] = False,
) -> None:
    """Give the cookie of your own account, or a mailbox's password, for a source whose service wants a login.

    It is asked for, or read from standard input, never taken from the command line; it is kept encrypted and sent to
    the source's own host alone. When it has expired, the source says so.
    """
    from crawlers.logins import Logins
    from minsheng.clock import SystemClock

    found = known(source)
    logins = Logins.from_settings(context.settings(), context.store())
    if forget:
        words = "is forgotten" if logins.forget(found.id) else "was not there"
        context.errors().print(f"The login of {found.id} {words}.", markup=False)
        return
    is_mail = found.kind == "mail"
    asked = "Password" if is_mail else "Cookie"
    secret = typer.prompt(asked, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    (logins.give_password if is_mail else logins.give)(found.id, secret, SystemClock().now())
    context.errors().print(f"The login of {found.id} is kept. Try it: minsheng sources run {found.id}", markup=False)


@app.command()
def hot(
    word: Annotated[str, typer.Argument(help="Only terms that contain this.")] = "",
    source: Annotated[str | None, typer.Option(help="Only of this list, by its source's id.")] = None,
    since: Annotated[str, typer.Option(help="How far back: 24h, 7d, or a day.")] = "24h",
    limit: Annotated[int, typer.Option(min=1, help="How many terms are shown.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show what was on the hot lists, the best placed first, with the way of each term."""
    from crawlers.hot_ranks import stays
    from minsheng.cli.times import parse_time
    from minsheng.clock import SystemClock

    clock = SystemClock()
    found = stays(context.store(), parse_time(since, clock), source=source, word=word)[:limit]
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{len(found)} terms since {since}",
        ("term", "list", "best", "now", "from", "until", "places"),
        [
            (
                stay.word,
                stay.source,
                stay.best,
                stay.rank or "gone",
                context.local_time(stay.since)[5:],
                context.local_time(stay.last_seen)[5:],
                " → ".join(str(step.rank or "–") for step in stay.steps[-STEPS:]),
            )
            for stay in found
        ],
    )


@app.command()
def backfill(
    source: Annotated[str, typer.Argument(metavar="ID", help="A source's id.")],
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, as 2026-10-01.")],
    until: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day; default: today.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many pages are fetched at most.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Fetch what a source published between two days, as far back as its own pages go.

    What is known already is not fetched again, so a backfill that was stopped goes on where it was.
    """
    from datetime import timedelta

    from crawlers.backfills import Window
    from crawlers.stage import CrawlStage
    from minsheng.cli.times import parse_time
    from minsheng.clock import SystemClock
    from minsheng.parts import open_log

    clock = SystemClock()
    first, last = parse_time(since, clock), parse_time(until, clock) if until else clock.now()
    if (last.hour, last.minute) == (0, 0):
        last += timedelta(days=1)
    if last <= first:
        raise WrongUse(f"--to {until} is before --from {since}", "give the earlier day first")
    log = open_log(context.settings())
    try:
        stage = CrawlStage(context.settings(), context.store(), log, clock)
        report = stage.backfill(source, Window(first, last), limit=limit)
    finally:
        log.close()
    if json:
        context.print_json(report)
    else:
        _show_reports([report])
        if report.unfinished:
            words = "It is not at the beginning of the window yet: the same command goes on from here."
            context.errors().print(words, markup=False)
    if not report.ok:
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


def known(name: str) -> Any:
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
    from crawlers.sources import source_file
    from minsheng.clock import CHINA

    report = checked.report
    shown = checked.taken[:SHOWN]
    context.print_table(
        f"{checked.source.url} as {checked.source.kind}: {len(checked.taken)} things, {len(checked.documents)} fetched",
        ("published", "title", "text", "url"),
        [
            (
                taken.published_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if taken.published_at else "?",
                taken.title,
                "" if taken.text is None else taken.text,
                taken.url,
            )
            for taken in shown
        ],
    )
    if len(checked.taken) > SHOWN:
        context.errors().print(f"{len(checked.taken) - SHOWN} more")
    for reason, times in report.rejected.items():
        context.errors().print(f"{times} left out: {reason}", markup=False, soft_wrap=True)
    for feed in checked.feeds:
        if feed != checked.source.url:
            context.errors().print(f"the page names a feed: {feed}", markup=False, soft_wrap=True)
    if checked.hub:
        how = "" if context.settings().receive.public_url else "; to have it tell of news: set receive.public_url"
        context.errors().print(f"the feed has a hub (WebSub): {checked.hub}{how}", markup=False, soft_wrap=True)
    if report.error:
        context.errors().print(report.error, markup=False, soft_wrap=True)
    if report.ok:
        context.console().print(
            "\nA file for it, to be written to the data folder's sources, or with: minsheng sources add"
        )
        context.console().print(f"\n{source_file(checked.proposed)}", markup=False, soft_wrap=True)


def _show_reports(reports: list[RunReport]) -> None:
    context.print_table(
        f"{sum(report.ok for report in reports)} of {len(reports)} sources answered",
        ("source", "ok", "items", "new", "unchanged", "left out", "failed pages", "seconds", "error"),
        [
            (r.source, "yes" if r.ok else "no", r.items, r.new, r.unchanged, sum(r.rejected.values()) + r.outside or "",
             r.failed or "", f"{r.seconds:.1f}", r.error)
            for r in reports
        ],
    )  # fmt: skip
