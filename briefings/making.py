"""Makes a briefing from the parts of a road, and writes it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from briefings.daily import daily_briefing
from briefings.gather import gather
from briefings.html import daily_html
from briefings.model import DailyBriefing
from minsheng.errors import MinshengError
from minsheng.policies import PolicyRegister

if TYPE_CHECKING:
    from minsheng.road import Road

Format = Literal["html", "json"]


def make_daily(road: Road, day: date) -> DailyBriefing:
    """The daily briefing of a day, China time. Raises `Unavailable` where index, store or log can't be reached."""
    return daily_briefing(
        day,
        index=road.index,
        policies=PolicyRegister(road.store).all(),
        facts=gather(road.store, road.log, day, road.clock),
        unit=road.settings.briefing.unit,
        clock=road.clock,
        release_days=road.settings.alert.release_days,
    )


def render(briefing: DailyBriefing, format: Format) -> bytes:  # noqa: A002 - the option's name
    """The briefing as a page for people or JSON for programs."""
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(briefing), indent=2)
    return daily_html(briefing).encode()


def write_daily(road: Road, day: date, format: Format = "html", target: Path | None = None) -> Path:  # noqa: A002
    """Make the daily briefing and write it to `target`, by default into the data folder. Returns where it lies.

    Raises
    ------
    Unavailable
        Where index, store or log can't be reached.
    MinshengError
        Where the file can't be written.
    """
    content = render(make_daily(road, day), format)
    path = target or road.settings.path("briefings") / f"daily-{day}.{format}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise MinshengError(f"{path} can't be written: {error.strerror}", "choose another file with -o") from error
    return path
