"""Commands that are imported and built when they are asked for.

Typer builds a command by reading its function's signature, some 2 ms each, and all of them at every start. So that a
call pays for its own command alone, a group here holds the names of its commands and how each is made; a listing, such
as help, completion of names or the reference pages, makes them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy
from functools import partial
from importlib import import_module
from typing import Any

import typer.main
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandInfo, TyperInfo

Command = TyperCommand | TyperGroup


class OnDemand(MutableMapping[str, Any]):
    """Name → command, made when it is first looked up.

    Parameters
    ----------
    makers:
        Name → what makes the command, in the order of listings.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Command]]) -> None:
        self._found: dict[str, Command | None] = dict.fromkeys(makers)
        self._makers = dict(makers)

    def __getitem__(self, name: str) -> Command:
        found = self._found[name]
        if found is None:
            found = self._found[name] = self._makers[name]()
        return found

    def __setitem__(self, name: str, command: Command) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found


def places(package: str, commands: Mapping[str, str]) -> OnDemand:
    """The commands at these places of a package: `{"users": "users:app", "run": "run:run"}`, where an application is a
    group of commands and a function one command."""
    return OnDemand({name: partial(_load, name, package, place) for name, place in commands.items()})


def _load(name: str, package: str, place: str) -> Command:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"{package}.{module}"), attribute)
    return _group(name, found) if isinstance(found, typer.Typer) else _command(CommandInfo(name, callback=found))


def _group(name: str, application: typer.Typer) -> TyperGroup:
    if application.registered_groups:
        raise TypeError(f"the group {name} has groups in it: commands have two words at the most")
    bare = copy(application)
    bare.registered_commands = []
    group = typer.main.get_group_from_info(
        TyperInfo(bare, name=name),
        pretty_exceptions_short=bare.pretty_exceptions_short,
        suggest_commands=bare.suggest_commands,
        rich_markup_mode=bare.rich_markup_mode,
    )
    group.commands = OnDemand({_name(info): partial(_command, info) for info in application.registered_commands})
    return group


def _command(info: CommandInfo) -> TyperCommand:
    made = typer.main.get_command_from_info(
        info, pretty_exceptions_short=True, rich_markup_mode=typer.core.DEFAULT_MARKUP_MODE
    )
    assert isinstance(made, TyperCommand)
    return made


def _name(info: CommandInfo) -> str:
    assert info.callback is not None
    return info.name or typer.main.get_command_name(info.callback.__name__)
