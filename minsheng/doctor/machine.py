"""Checks of the machine and the settings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from minsheng.doctor.finding import Finding, Patient, broken, ok, warning
from minsheng.errors import MinshengError, WrongSettings
from minsheng.settings import Secret, Settings

GIGABYTE = 1 << 30
LEAST_FREE = GIGABYTE // 2
LITTLE_FREE = 5 * GIGABYTE
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""No machine that runs this program has a right clock that shows an earlier time."""

APART = timedelta(minutes=1)


def secrets(patient: Patient) -> Iterator[Finding]:
    """Can every secret that the settings name be read?"""
    found = list(_secrets(patient.settings, ""))
    wrong = 0
    for place, secret in found:
        try:
            secret.reveal()
        except WrongSettings as error:
            wrong += 1
            yield broken("settings", f"{place}: {error.message}", error.hint or "check the file's path and rights")
    if not wrong:
        yield ok("settings", f"read, {len(found)} secrets" if found else "read")


def _secrets(value: Any, place: str) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield place, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _secrets(getattr(value, name), f"{place}.{name}" if place else name)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _secrets(item, f"{place}[{number}]")


def single_sign_on(patient: Patient) -> Iterator[Finding]:
    """Do the settings of single sign-on fit the identity provider, and what is here?"""
    from console.openid import Issuer, SsoFailed
    from console.rights import ROLES
    from console.tables import units

    settings, part = patient.settings.sso, "single sign-on"
    if not settings.issuer:
        return
    wrong = list(_sso_mistakes(patient.settings, ROLES))
    try:
        issuer = Issuer(settings, patient.clock)
        keys = len(issuer.keys().keys)
        if not keys:
            wrong.append((f"{settings.issuer} names no key", "ask who runs it"))
    except SsoFailed as error:
        wrong.append((error.why, "check sso.issuer, its certificate (sso.ca_file), and that this machine reaches it"))
    for message, advice in wrong:
        yield broken(part, message, advice)
    if settings.unknown == "add" and not settings.roles_claim and not settings.default_roles:
        yield warning(part, "users are made without a role, who then come in nowhere", "set sso.default_roles")
        return
    if settings.units:
        try:
            with patient.store.read() as connection:
                known = set(connection.scalars(sa.select(units.c.name)))
        except MinshengError:
            return  # the store's own check says why
        if missing := sorted(set(settings.units.values()) - known):
            yield warning(
                part, f"sso.units names units that are not here: {', '.join(missing)}", "add them, or mend it"
            )
            return
    if not wrong:
        yield ok(part, f"{settings.issuer}, {keys} keys")


def _sso_mistakes(settings: Settings, roles: Sequence[str]) -> Iterator[tuple[str, str]]:
    sso = settings.sso
    if not settings.console.public_url:
        yield "console.public_url is empty", "set it: the provider sends browsers back there"
    if unknown := sorted({*sso.roles.values(), *sso.default_roles} - set(roles)):
        yield f"sso names roles that there are not: {', '.join(unknown)}", f"known are: {', '.join(roles)}"
    if sso.roles and not sso.roles_claim:
        yield "sso.roles is set, but sso.roles_claim is not", "say which claim gives the groups"
    if sso.roles_claim and not sso.roles:
        yield "sso.roles_claim is set, but sso.roles is empty: nobody gets a role", "say which group is which role"


def data_folder(patient: Patient) -> Iterator[Finding]:
    """Is it writable, and is there room?"""
    folder = patient.settings.data_dir
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        yield broken("data folder", f"{folder} can't be written: {error.strerror}", "check its owner and rights")
        return
    free = shutil.disk_usage(folder).free
    message = f"{folder.resolve()}, {free / GIGABYTE:.1f} GiB free"
    if free < LEAST_FREE:
        yield broken("data folder", message, "make room now, or move the data folder: databases stop on a full disk")
    elif free < LITTLE_FREE:
        yield warning("data folder", message, "make room soon, or lower [stream] retention_days")
    else:
        yield ok("data folder", message)


def fonts(_: Patient) -> Iterator[Finding]:
    """Are there fonts for Chinese, and one with serifs, for what is printed here?"""
    from briefings.fonts import installed_fonts, serif_fonts

    here, advice = installed_fonts(), "on Debian and Ubuntu: apt-get install fonts-noto-cjk"
    if not here:
        yield warning("fonts", "none for Chinese: no PDF can be made, and Word documents have no charts", advice)
    elif not serif_fonts():
        yield warning("fonts", f"{here[0]}, and none with serifs: PDFs and printed texts show a sans face", advice)
    else:
        yield ok("fonts", f"{here[0]}, {serif_fonts()[0]}")


def clock(patient: Patient) -> Iterator[Finding]:
    """Does the clock show a believable time, the same as the database's, and later than what was done?"""
    from crawlers.tables import crawl_state

    now = patient.clock.now()
    if now < RELEASED:
        yield broken("clock", f"it shows {now:%Y-%m-%d %H:%M} UTC", "set the machine's clock: every time depends on it")
        return
    with patient.store.read() as connection:
        last = connection.scalar(sa.select(sa.func.max(crawl_state.c.last_run_at)))
        server = connection.scalar(sa.select(sa.func.now())) if patient.store.name == "postgresql" else None
    if server is not None and abs(server - now) > APART:
        yield warning("clock", f"PostgreSQL's clock shows {server:%Y-%m-%d %H:%M} UTC, this one {now:%H:%M}", "run NTP")
    elif last is not None and last - now > APART:
        yield warning("clock", f"the last crawl lies in the future: {last:%Y-%m-%d %H:%M} UTC", "run NTP")
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")
