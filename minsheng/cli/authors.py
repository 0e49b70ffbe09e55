"""`minsheng authors`: the keys that stand between authors' names and what is kept of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse

app = typer.Typer(help="The keys that authors' names are hashed with.", no_args_is_help=True)


@app.command()
def keys(json: bool = context.JSON_OPTION) -> None:
    """List the keys in the data folder: since when, and until when each was used. Keys are never shown."""
    from datetime import timedelta

    from crawlers.privacy import KEY_FILE, KeyFiles

    settings = context.settings()
    if settings.crawl.author_key is not None:
        raise WrongUse("the settings name the key (crawl.author_key): it is looked after where it lies")
    files = KeyFiles(settings.path(KEY_FILE))
    files.current()
    kept = timedelta(days=settings.search.retention_days)
    rows: list[tuple[Path, datetime | None, datetime | None, datetime | None]] = [
        (files.path, files.made_at(), None, None)
    ]
    rows += [(old.path, None, old.until, old.until + kept) for old in files.old()]
    if json:
        context.print_json([{"file": str(p), "since": s, "until": u, "forgotten_at": f} for p, s, u, f in rows])
        return
    context.print_table(
        f"{len(rows)} keys",
        ("file", "since", "until", "forgotten at"),
        [(p.name, context.local_time(s), context.local_time(u), context.local_time(f)) for p, s, u, f in rows],
    )


@app.command()
def rotate() -> None:
    """Hash with a new key from now on. The one before is kept for as long as what it hashed."""
    from crawlers.privacy import KEY_FILE, KeyFiles
    from minsheng.clock import SystemClock

    settings = context.settings()
    if settings.crawl.author_key is not None:
        raise WrongUse(
            "the settings name the key (crawl.author_key)",
            "put the new key there, and the one before into crawl.old_author_keys",
        )
    KeyFiles(settings.path(KEY_FILE)).rotate(SystemClock().now())
    context.console().print("From the next crawl on authors are hashed with a new key.", markup=False, soft_wrap=True)


@app.command()
def hashes(
    source: Annotated[str, typer.Argument(help="The source's id.")],
    name: Annotated[str, typer.Argument(help="The author's name there, as the person who asks gives it.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """What an author is called in the records, to answer a person who asks what is held of them. It goes to the log."""
    from crawlers.privacy import AuthorKeys
    from minsheng.logs import get_logger

    found = AuthorKeys.from_settings(context.settings()).all(source, name)
    get_logger(__name__).warning("author_hashes_asked", source=source, hashes=found)
    if json:
        context.print_json(found)
    else:
        context.print_table(f"{len(found)} keys are kept", ("author_key",), [(one,) for one in found])
