"""Who a person is that the unit's identity provider has let in: the user of that name, a new one, or nobody.

A person is known by the issuer's own id for them (`sub`) from the first time on; the name counts only that first time.
So a name that is given to somebody else there later opens nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from console.accounts import User, UserBook, hashed
from console.openid import Begun, Issuer, SsoFailed
from console.rights import ROLES
from console.tables import sso_people, sso_states
from console.units import UnitBook
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.settings import SsoSettings
from minsheng.store import Store

MINUTES = 10
"""So long somebody may stay at the issuer."""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may come in. `made`: the user is new; `changed`: what the issuer's word changed of them."""

    user: User
    made: bool
    changed: dict[str, Any]


class SingleSignOn:
    """Signing in by an issuer of the settings."""

    def __init__(self, settings: SsoSettings, store: Store, clock: Clock, users: UserBook, units: UnitBook) -> None:
        self.settings = settings
        self.issuer = Issuer(settings, clock)
        self._store = store
        self._clock = clock
        self._users = users
        self._units = units

    @property
    def on(self) -> bool:
        return bool(self.settings.issuer)

    def take(self, begun: Begun, state: str) -> None:
        """Take the way back, once. Raises `SsoFailed` where it is another one's, too old, or was taken before."""
        now = self._clock.now().timestamp()
        if not state or state != begun.state:
            raise _again("the state is not the one that this browser was sent with")
        if not 0 <= now - begun.at <= MINUTES * 60:
            raise _again("it took too long")
        row = {"state_hash": hashed(state), "until": begun.at + MINUTES * 60 + 1}
        try:
            with self._store.begin() as connection:
                connection.execute(sso_states.delete().where(sso_states.c.until < now))
                connection.execute(sso_states.insert().values(**row))
        except sa.exc.IntegrityError:
            raise _again("the state was used before") from None

    def admit(self, claims: Mapping[str, Any]) -> Admitted:
        """The user of these claims, brought up to date with them. Raises `SsoFailed` where nobody may come in."""
        subject = f"{self.settings.issuer} {claims['sub']}"
        user = self._known(subject)
        roles = self._roles(claims)
        unit = self._unit(claims)
        made = False
        if user is None:
            user, made = self._first(subject, claims, roles, unit)
        if user.disabled_at is not None:
            raise SsoFailed("这个账号已停用", "需要时请联系管理员。", f"{user.name} is disabled")
        display = _text(claims, self.settings.display_claim) or user.display
        wanted: dict[str, Any] = {
            "display": display[:100], "roles": user.roles if roles is None else roles,
            "unit_id": user.unit_id if unit is None else unit,
        }  # fmt: skip
        changed = {name: value for name, value in wanted.items() if getattr(user, name) != value}
        if changed and not made:
            user = self._users.change(user.id, **wanted, disabled=False)
        if not user.roles:
            raise SsoFailed(
                "您还没有角色", "请管理员在“用户”里给您角色，或核对统一身份认证里的分组。", f"{user.name} has no role"
            )
        return Admitted(user=user, made=made, changed={} if made else changed)

    def knows(self, user: User) -> bool:
        """Whether a user has come in by the issuer."""
        with self._store.read() as connection:
            query = sa.select(sso_people.c.subject_hash).where(sso_people.c.user_id == user.id)
            return connection.execute(query.limit(1)).first() is not None

    def _known(self, subject: str) -> User | None:
        with self._store.read() as connection:
            query = sa.select(sso_people.c.user_id).where(sso_people.c.subject_hash == hashed(subject))
            found = connection.scalar(query)
        return None if found is None else self._users.get(found)

    def _first(
        self, subject: str, claims: Mapping[str, Any], roles: tuple[str, ...] | None, unit: int | None
    ) -> tuple[User, bool]:
        """Somebody who comes for the first time: the user of their name, or a new one."""
        name = _text(claims, self.settings.username_claim).lower()
        if not name:
            raise SsoFailed(
                "统一身份认证没有给出用户名", "请运维核对 sso.username_claim。",
                f"the token has no {self.settings.username_claim}",
            )  # fmt: skip
        made = False
        try:
            user = self._users.find(name)
        except WrongUse:
            if self.settings.unknown == "refuse":
                raise SsoFailed(
                    "本系统没有您的账号", f"请管理员新增用户 {name[:60]}，再来登录。", f"there is no user {name[:60]!r}"
                ) from None
            try:
                user = self._users.add(
                    name, _text(claims, self.settings.display_claim),
                    self.settings.default_roles if roles is None else roles, unit,
                )  # fmt: skip
            except WrongUse as error:
                raise SsoFailed(
                    "统一身份认证给出的用户名不能用",
                    "请运维把 sso.username_claim 设为用字母和数字写的一项。", error.message,
                ) from None  # fmt: skip
            made = True
        if "administrator" in user.roles and user.has_password:
            raise SsoFailed(
                "管理员账号不能用统一身份认证登录", "请用口令登录：认证服务器上的重名账号不能接管它。",
                f"{user.name} administers and has a password",
            )  # fmt: skip
        with self._store.begin() as connection:
            taken = sa.select(sso_people.c.subject_hash).where(sso_people.c.user_id == user.id)
            if connection.scalar(taken) is not None:
                raise SsoFailed(
                    "这个用户名已属于另一个人", "请管理员核对：统一身份认证里换了人，要先停用旧账号并改名新增。",
                    f"{user.name} is linked to another sub",
                )  # fmt: skip
            row = {"subject_hash": hashed(subject), "user_id": user.id, "linked_at": self._clock.now()}
            connection.execute(sso_people.insert().values(**row))
        return user, made

    def _roles(self, claims: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Roles by the issuer's groups; None where these don't say."""
        if not self.settings.roles_claim:
            return None
        given = {self.settings.roles[one] for one in _texts(claims, self.settings.roles_claim)
                 if one in self.settings.roles}  # fmt: skip
        return tuple(role for role in ROLES if role in given)

    def _unit(self, claims: Mapping[str, Any]) -> int | None:
        """The unit by the issuer's word; None where it doesn't say, or names one that is not here."""
        if not self.settings.unit_claim:
            return None
        by_name = {unit.name: unit.id for _, unit in self._units.tree().listed()}
        for one in _texts(claims, self.settings.unit_claim):
            found = by_name.get(self.settings.units.get(one, one))
            if found is not None:
                return found
        return None


def _texts(claims: Mapping[str, Any], name: str) -> Sequence[str]:
    """The texts of a claim; `realm_access.roles` is one within another."""
    value: Any = claims
    for part in [name] if name in claims else name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _text(claims: Mapping[str, Any], name: str) -> str:
    return next(iter(_texts(claims, name)), "").strip()


def _again(why: str) -> SsoFailed:
    return SsoFailed("登录没有完成", "请从登录页重新开始，不要用旧的页面或收藏的地址。", why)
