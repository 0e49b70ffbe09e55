"""The sample's policies, with their dates moved so that they lie as far from today as when they were written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec
import tomlkit

from minsheng.clock import CHINA
from minsheng.policies.model import Policy
from minsheng.policies.reading import read_policies
from sample.content import WORLD, load_world
from sample.timeline import moved_day, moved_numbers


def moved_policies(anchor: datetime, urls: Mapping[str, str] | None = None) -> list[Policy]:
    """The policies as of `anchor`, by id.

    Parameters
    ----------
    urls:
        Policy id → address of its own page.
    """
    world = load_world()
    today = anchor.astimezone(CHINA).date()
    numbers = moved_numbers(world, today)
    moved = []
    for policy in read_policies(WORLD / "policies"):
        changes = {
            name: moved_day(value, world, today)
            for name in policy.__struct_fields__
            if isinstance(value := getattr(policy, name), date)
        }
        number = numbers.get(policy.number or "", policy.number)
        url = (urls or {}).get(policy.id)
        moved.append(msgspec.structs.replace(policy, **changes, number=number, url=url))
    return moved


def policy_file(policy: Policy) -> str:
    """The policy as the TOML of a policy file."""
    return tomlkit.dumps(
        {name: value for name, value in msgspec.structs.asdict(policy).items() if value not in (None, ())}
    )
