"""`python -m deploy.servers`: start, stop and show the development servers."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.servers import KINDS, ServerUnavailable, cache_folder
from deploy.servers.running import Running, read_running, write_running
from minsheng.errors import MinshengError, WrongUse

DEFAULT = ("kafka", "elasticsearch", "postgresql")

app = typer.Typer(help="Real servers for development, without containers.", no_args_is_help=True, add_completion=False)

Names = Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(KINDS)}.", show_default=False)]
Folder = Annotated[Path | None, typer.Option("--dir", help="Where downloads and the list of what runs are kept.")]
EnvFile = Annotated[Path | None, typer.Option("--env-file", help="Also write what runs to this file.")]


@app.command()
def start(names: Names = None, folder: Folder = None, env_file: EnvFile = None) -> None:
    """Start servers that are not running (default: kafka, elasticsearch, postgresql) and leave them running."""
    cache = _cache(folder)
    running = read_running(cache / "running.json")
    for name in _known(names) or list(DEFAULT):
        if name in running:
            typer.echo(f"{name}: runs already at {running[name].address}")
            continue
        begun = time.monotonic()
        server = KINDS[name](cache, detached=True)
        try:
            server.start()
        except BaseException:
            server.remove()
            raise
        running[name] = Running.of(server)
        write_running(cache / "running.json", running)
        typer.echo(f"{name}: {server.address} after {time.monotonic() - begun:.1f} s, log {server.log}")
    if env_file:
        write_running(env_file, running)


@app.command()
def fetch(names: Names = None, folder: Folder = None) -> None:
    """Fetch what the servers need (default: all), so that starting them later takes no download."""
    missing = []
    for name in _known(names) or list(KINDS):
        try:
            KINDS[name].fetch(_cache(folder))
        except ServerUnavailable as error:
            missing.append(name)
            typer.echo(f"{name}: {error}", err=True)
    if missing:
        raise typer.Exit(1)


@app.command()
def stop(names: Names = None, folder: Folder = None) -> None:
    """Stop servers (default: all) and remove their data."""
    file = _cache(folder) / "running.json"
    running = read_running(file)
    for name in _known(names) or list(running):
        if name in running:
            running.pop(name).stop()
            write_running(file, running)
            typer.echo(f"{name}: stopped")
        else:
            typer.echo(f"{name}: was not running")


@app.command()
def status(folder: Folder = None) -> None:
    """Show what runs. Exit code 1 if nothing does."""
    running = read_running(_cache(folder) / "running.json")
    for server in running.values():
        typer.echo(f"{server.name}: {server.address} (process {server.pid}, {server.folder})")
    if not running:
        typer.echo("no development server runs")
        raise typer.Exit(1)


@app.command()
def env(folder: Folder = None) -> None:
    """Print the environment variables that point Minsheng at what runs: `eval "$(python -m deploy.servers env)"`."""
    for server in read_running(_cache(folder) / "running.json").values():
        for name, value in server.settings.items():
            typer.echo(f"export {name}={shlex.quote(value)}")


def _cache(folder: Path | None) -> Path:
    return folder.resolve() if folder else cache_folder()


def _known(names: list[str] | None) -> list[str]:
    unknown = sorted(set(names or ()) - set(KINDS))
    if unknown:
        raise WrongUse(f"no such server: {', '.join(unknown)}", f"known are: {', '.join(KINDS)}")
    return names or []


def main() -> None:
    try:
        app()
    except MinshengError as error:
        typer.echo(f"servers: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
