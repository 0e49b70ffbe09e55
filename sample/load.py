"""Puts the sample world's policies, plans and sources into a data folder, for `minsheng run` to work with."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import tomlkit

from crawlers.sources import FOLDER as SOURCES
from crawlers.sources import write_source
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.settings import FILE_NAME, Settings
from minsheng.store import Store
from sample.answers import load_answers
from sample.content import WORLD, load_world
from sample.pages import article_path
from sample.policies import moved_policies, policy_file
from sample.rooms import Filled, load_rooms
from sample.sources import sample_sources
from sample.timeline import arrange

POLICIES = "policies"
PLANS = "plans"
MEMORY = "sample.toml"

_SETTINGS = """# Written with the sample world. Its site is this machine: no pauses between requests to it.
# Against real sites leave these settings out.
[crawl]
per_host_delay = 0.0
per_host_concurrency = 8
per_host_daily = 0
allowed_networks = ["{address}"]
"""
_SETTINGS_BEGIN = _SETTINGS.partition("\n")[0]


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """How the sample site is served; in the same way again, the same things are at the same times and addresses."""

    anchor: datetime
    live: bool
    base_url: str


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in the data folder; `answers` counts the entries of the Q&A base that were added now, `rooms` what
    was put into the rooms of open government."""

    policies: int
    plans: int
    sources: int
    answers: int
    rooms: Filled
    data_dir: str


def load_sample(settings: Settings, store: Store, served: Served, *, force: bool = False, keep: bool = False) -> Loaded:
    """Write policies, plans and sources, and put the policies into the register.

    What the sample wrote before is written again; anything else in the data folder stays.

    Parameters
    ----------
    store:
        With its tables made.
    served:
        Where the site is, and for which moment the dates are to be moved.
    force:
        Also where there are policies that are not the sample's.
    keep:
        The data folder is the sample's already: add only what is missing, so that what the user changed stays.

    Raises
    ------
    WrongUse
        If there are policies that are not the sample's, and neither is given; nothing is written.
    """
    policies = moved_policies(served.anchor, _policy_urls(served))
    register = PolicyRegister(store)
    known = {policy.id for policy in register.all()}
    if not (force or keep):
        _refuse_others(settings, known, {policy.id for policy in policies})
    register.import_policies([policy for policy in policies if not (keep and policy.id in known)])
    plans = sorted((WORLD / "plans").glob("*.toml"))
    sources = sample_sources(served.base_url, live=served.live)
    files = {settings.path(POLICIES) / f"{policy.id}.toml": policy_file(policy) for policy in policies}
    files |= {settings.path(PLANS) / plan.name: plan.read_text(encoding="utf-8") for plan in plans}
    for file, text in files.items():
        if not (keep and file.exists()):
            _write(file, text)
    for source in sources:
        file = settings.path(SOURCES) / f"{source.id}.toml"
        if not (keep and file.exists()):
            file.unlink(missing_ok=True)
            write_source(source, settings.path(SOURCES))
    answers = load_answers(store, served.anchor)
    rooms = load_rooms(settings, store, served.anchor)
    _write_settings(settings.path(FILE_NAME), urlsplit(served.base_url).hostname or "127.0.0.1")
    return Loaded(
        policies=len(policies),
        plans=len(plans),
        sources=len(sources),
        answers=answers,
        rooms=rooms,
        data_dir=str(settings.data_dir.resolve()),
    )


def remember(data_dir: Path, served: Served) -> None:
    """Keep in the data folder how its sample site was served."""
    _write(data_dir / MEMORY, tomlkit.dumps(msgspec.structs.asdict(served)))


def remembered(data_dir: Path) -> Served | None:
    """How the sample site was served for this data folder; None where it was not."""
    file = data_dir / MEMORY
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Served)
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise WrongUse(f"{file} can't be read: {error}", "remove it: the sample then starts afresh") from error


def _policy_urls(served: Served) -> dict[str, str]:
    """Policy id → address of its page on the site."""
    scene = arrange(load_world(), served.anchor, live=served.live)
    return {
        item.entry.policy: served.base_url + article_path(item)
        for item in scene.articles
        if item.entry.policy is not None
    }


def _refuse_others(settings: Settings, known: set[str], own: set[str]) -> None:
    files = {file.stem for file in settings.path(POLICIES).glob("*.toml")}
    others = sorted((files | known) - own)
    if others:
        shown = "、".join(others[:3]) + (" …" if len(others) > 3 else "")
        raise WrongUse(
            f"{settings.data_dir} holds {len(others)} policies that are not the sample's ({shown})",
            "choose another folder with --data-dir, or add the sample to these with --force",
        )


def _write_settings(file: Path, host: str) -> None:
    """Allow crawls of the site, which is no public one. A file that the user wrote stays as it is."""
    if file.exists():
        text = file.read_text(encoding="utf-8")
        if not text.startswith(_SETTINGS_BEGIN) or "allowed_networks" in text:
            return
    _write(file, _SETTINGS.replace("{address}", "127.0.0.1" if host == "localhost" else host))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
