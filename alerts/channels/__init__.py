"""Channels that carry notices: one file each. A new one is a module here with a class that has `Channel`'s methods.

`open_channel` finds the class for an address among all modules of this package; the one of highest `precedence` that
accepts it is taken. `apprise_url` accepts whatever no other does.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any
from urllib.parse import quote

from alerts.channels.channel import Channel, DeliveryFailed
from alerts.channels.gateway import Gateway
from minsheng.errors import WrongSettings
from minsheng.settings import ChannelSettings

__all__ = ["Channel", "DeliveryFailed", "channel_classes", "open_channel"]


def channel_classes() -> list[type[Channel]]:
    """Every channel class of this package, those that are asked first in front."""
    found: list[Any] = []
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and kind is not Channel and hasattr(kind, "precedence"):
                found.append(kind)
    return sorted(found, key=lambda kind: (-kind.precedence, kind.__name__))


def open_channel(settings: ChannelSettings, timeout: float, to: str = "") -> Channel:
    """The channel that the settings name.

    Parameters
    ----------
    to:
        What the channel knows the person by, where it reaches one at a time.

    Raises
    ------
    WrongSettings
        If the secret can't be read or nothing here can carry notices to such an address. The address is not shown.
    """
    url = settings.url if settings.url is not None else settings.secret_url.reveal() if settings.secret_url else ""
    if settings.personal:
        if "{to}" not in url + settings.body:
            raise WrongSettings(
                f"channel {settings.name} is personal, but neither its address nor its body has {{to}}",
                "write {to} where the person's address or number belongs",
            )
        url = url.replace("{to}", quote(to, safe=""))
    elif "{to}" in url + settings.body:
        raise WrongSettings(f"channel {settings.name} has {{to}} but is not personal", "add personal = true")
    if settings.body:
        return Gateway(url, timeout, settings)
    for kind in channel_classes():
        if kind.accepts(url):
            return kind(url, timeout)
    raise WrongSettings(
        f"channel {settings.name}: no notifier knows such an address", "see docs/how-to/add-a-notifier.md"
    )
