"""Users: who may sign in, with what, and as whom. Passwords are kept as argon2id; nobody ever has a default one: a new
user chooses it behind a one-time link, and so does the first administrator."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import pyotp
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from console.keys import Keys
from console.rights import ROLES
from console.tables import failures, links, sessions, users
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

LINK_HOURS = 48
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
FREE_TRIES = 5
"""So many wrong passwords cost nothing but a new try."""
TRIES_WINDOW = timedelta(hours=1)
LONGEST_PAUSE = timedelta(minutes=15)
ADDRESS_TRIES = 50
"""So many failures from one address within the window, whatever the names."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,59}")
_hasher = PasswordHasher()  # argon2id, the parameters of RFC 9106 for small memory
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))
"""Checked for names that are not there, so that they take as long."""
_COMMON = frozenset(
    [
        "1234567890",
        "0123456789",
        "12345678910",
        "password123",
        "password1234",
        "qwertyuiop",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "admin12345",
        "administrator",
        "minsheng123",
        "a123456789",
        "abc1234567",
        "1111111111",
        "0000000000",
        "iloveyou123",
    ]
)


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user, without anything secret."""

    id: int
    name: str
    display: str
    unit_id: int | None
    roles: tuple[str, ...]
    has_password: bool
    has_totp: bool
    created_at: datetime
    disabled_at: datetime | None


class TooManyTries(WrongUse):
    """Sign-in is held back. `until`: when it may be tried again."""

    def __init__(self, until: datetime) -> None:
        super().__init__("登录尝试过多", "请稍后再试")
        self.until = until


class UserBook:
    """The users in the store."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    # Reading

    def all(self) -> list[User]:
        """Every user, by name."""
        with self._store.read() as connection:
            return [user_of(row) for row in connection.execute(sa.select(users).order_by(users.c.name)).mappings()]

    def get(self, user_id: int) -> User:
        """Raises `WrongUse`."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(users).where(users.c.id == user_id)).mappings().first()
        if row is None:
            raise WrongUse(Problem("user-unknown", user=user_id))
        return user_of(row)

    def find(self, name: str) -> User:
        """By the name typed to sign in. Raises `WrongUse`."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(users).where(users.c.name == name.strip().lower())).mappings().first()
        if row is None:
            raise WrongUse(Problem("user-unknown", user=name), "see minsheng users list")
        return user_of(row)

    def needs_first(self) -> bool:
        """Whether nobody can administer yet: no enabled administrator has a password."""
        return not any(
            "administrator" in user.roles and user.has_password and user.disabled_at is None for user in self.all()
        )

    # Changing

    def add(self, name: str, display: str, roles: Sequence[str], unit_id: int | None) -> User:
        """Add a user, who can't sign in before a one-time link was used. Raises `WrongUse`."""
        name = name.strip().lower()
        if not _NAME.fullmatch(name):
            raise WrongUse(
                Problem("user-name", name=name), "use 2 to 60 of a-z, 0-9 and . _ @ -, beginning with a-z or 0-9"
            )
        values = {
            "name": name,
            "display": _display(display) or name,
            "unit_id": unit_id,
            "roles": _roles(roles),
            "created_at": self._clock.now(),
        }
        with self._store.begin() as connection:
            if connection.scalar(sa.select(users.c.id).where(users.c.name == name)) is not None:
                raise WrongUse(Problem("user-taken", name=name), "choose another name")
            connection.execute(users.insert().values(**values))
        return self.find(name)

    def change(self, user_id: int, *, display: str, roles: Sequence[str], unit_id: int | None, disabled: bool) -> User:
        """Change a user. Whoever is disabled, or has other roles or another unit now, is signed out everywhere."""
        before = self.get(user_id)
        now = self._clock.now()
        disabled_at = (before.disabled_at or now) if disabled else None
        with self._store.begin() as connection:
            connection.execute(
                users.update()
                .where(users.c.id == user_id)
                .values(
                    display=_display(display) or before.name,
                    roles=_roles(roles),
                    unit_id=unit_id,
                    disabled_at=disabled_at,
                )
            )
            if disabled or tuple(_roles(roles)) != before.roles or unit_id != before.unit_id:
                _end_all(connection, user_id, now)
        return self.get(user_id)

    def make_link(self, user_id: int | None) -> str:
        """A new one-time link's token, for a user or (None) the first administrator; older ones of the same end."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        which = links.c.user_id.is_(None) if user_id is None else links.c.user_id == user_id
        with self._store.begin() as connection:
            connection.execute(links.update().where(which, links.c.used_at.is_(None)).values(used_at=now))
            connection.execute(
                links.insert().values(
                    token_hash=hashed(token), user_id=user_id, created_at=now,
                    expires_at=now + timedelta(hours=LINK_HOURS),
                )
            )  # fmt: skip
        return token

    def link_owner(self, token: str) -> User | None:
        """Whose link it is; None for the first administrator's. Raises `WrongUse` where it is none, used or too old."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(links).where(links.c.token_hash == hashed(token))).mappings().first()
        if row is None or row["used_at"] is not None or row["expires_at"] <= self._clock.now():
            raise WrongUse("链接无效、已用过或已过期", "请管理员重新生成")
        if row["user_id"] is None:
            if not self.needs_first():
                raise WrongUse("链接无效、已用过或已过期", "已有管理员")
            return None
        return self.get(row["user_id"])

    def use_link(
        self, token: str, password: str, *, name: str = "", display: str = "", roles: Sequence[str] = ()
    ) -> User:
        """Set the password of the link's owner; for the first administrator's link, make that user first. Ends the
        owner's other sessions. Raises `WrongUse`; the link is then still good."""
        owner = self.link_owner(token)
        check_password(password, name if owner is None else owner.name)
        if owner is None:
            try:
                owner = self.add(name, display, roles, None)
            except WrongUse as error:
                if error.problem is None or error.problem.code != "user-taken":
                    raise
                owner = self.find(name)
                if owner.has_password:
                    raise
        kept = _hasher.hash(password)
        now = self._clock.now()
        with self._store.begin() as connection:
            taken = connection.execute(
                links.update().where(links.c.token_hash == hashed(token), links.c.used_at.is_(None)).values(used_at=now)
            ).rowcount
            if not taken:
                raise WrongUse("链接无效、已用过或已过期", "请管理员重新生成")
            connection.execute(users.update().where(users.c.id == owner.id).values(password_hash=kept))
            _end_all(connection, owner.id, now)
        return self.get(owner.id)

    def place(self, user_id: int, unit_id: int) -> None:
        """Put a user into a unit."""
        with self._store.begin() as connection:
            connection.execute(users.update().where(users.c.id == user_id).values(unit_id=unit_id))

    # Signing in

    def sign_in(self, name: str, password: str, code: str, address: str) -> User | None:
        """The user, where name, password and second factor are right; None where anything is wrong, never saying what.

        Raises
        ------
        TooManyTries
            Where too many failed before; right ones are refused then, too.
        """
        name = name.strip().lower()[:60]
        now = self._clock.now()
        limits = {f"user:{name}": FREE_TRIES, f"address:{address[:60]}": ADDRESS_TRIES}
        claims = self._claim_try(limits, now)
        with self._store.read() as connection:
            row = connection.execute(sa.select(users).where(users.c.name == name)).mappings().first()
        kept = row["password_hash"] if row is not None else None
        right = _verify(kept or _NOBODY, password[:LONGEST_PASSWORD]) and kept is not None
        if row is None or not right or row["disabled_at"] is not None or not self._second_factor(row, code):
            with self._store.begin() as connection:
                connection.execute(failures.delete().where(failures.c.at < now - timedelta(days=1)))
            return None
        with self._store.begin() as connection:
            connection.execute(
                failures.delete().where(sa.or_(failures.c.subject == f"user:{name}", failures.c.id.in_(claims)))
            )
            if _hasher.check_needs_rehash(row["password_hash"]):
                connection.execute(
                    users.update().where(users.c.id == row["id"]).values(password_hash=_hasher.hash(password))
                )
        return user_of(row)

    def _claim_try(self, limits: Mapping[str, int], now: datetime) -> list[int]:
        """Write the try down as failed before anything is checked: of many that come at once, to whatever process, no
        more are let in than of those that come one after the other. The rows' ids, to be taken back where it was right.

        `limits`: what the try counts for, and how many of that may fail.
        """
        with self._store.begin() as connection:
            claims = [
                int(connection.scalar(failures.insert().values(subject=subject, at=now).returning(failures.c.id)) or 0)
                for subject in limits
            ]
        try:
            self._hold_back(limits, now, claims)
        except TooManyTries:  # one that was not let in is no try, or waiting would never end
            with self._store.begin() as connection:
                connection.execute(failures.delete().where(failures.c.id.in_(claims)))
            raise
        return claims

    def _hold_back(self, limits: Mapping[str, int], now: datetime, claims: Sequence[int]) -> None:
        with self._store.read() as connection:
            for subject, free in limits.items():
                row = connection.execute(
                    sa.select(sa.func.count(), sa.func.max(failures.c.at, type_=failures.c.at.type)).where(
                        failures.c.subject == subject,
                        failures.c.at > now - TRIES_WINDOW,
                        failures.c.id.not_in(claims),
                    )
                ).one()
                count, last = int(row[0]), row[1]
                if count < free or last is None:
                    continue
                pause = min(timedelta(seconds=15) * 2 ** min(count - free, 12), LONGEST_PAUSE)
                if last + pause > now:
                    raise TooManyTries(last + pause)

    def check_password_of(self, user_id: int, password: str) -> bool:
        """Whether it is the user's password, for changes that ask for it again: who finds a session open can't go on
        guessing there.

        Raises
        ------
        TooManyTries
            Where too many failed before; the right one is refused then, too.
        """
        again = f"again:{user_id}"
        self._claim_try({again: FREE_TRIES}, self._clock.now())
        with self._store.read() as connection:
            kept = connection.scalar(sa.select(users.c.password_hash).where(users.c.id == user_id))
        right = kept is not None and _verify(kept, password[:LONGEST_PASSWORD])
        if right:
            with self._store.begin() as connection:
                connection.execute(failures.delete().where(failures.c.subject == again))
        return right

    # The second factor

    def set_totp(self, user_id: int, secret: str, code: str) -> None:
        """Ask for a code from now on. Raises `WrongUse` where the first code is wrong: the app then has no secret."""
        step = self._step(secret, code)
        if step is None:
            raise WrongUse("动态口令不对", "核对手机时间后再输入一次")
        with self._store.begin() as connection:
            connection.execute(
                users.update().where(users.c.id == user_id).values(totp_sealed=self._keys.seal(secret), totp_step=step)
            )

    def remove_totp(self, user_id: int) -> None:
        with self._store.begin() as connection:
            connection.execute(users.update().where(users.c.id == user_id).values(totp_sealed=None, totp_step=None))

    def _second_factor(self, row: sa.RowMapping, code: str) -> bool:
        if row["totp_sealed"] is None:
            return True
        step = self._step(self._keys.open(row["totp_sealed"]), code)
        if step is None:
            return False
        with self._store.begin() as connection:
            fresh = sa.or_(users.c.totp_step.is_(None), users.c.totp_step < step)
            done = connection.execute(
                users.update().where(users.c.id == row["id"], fresh).values(totp_step=step)
            ).rowcount
        return bool(done)

    def _step(self, secret: str, code: str) -> int | None:
        """The time step that the code belongs to, now or one step away; None where it is wrong."""
        totp = pyotp.TOTP(secret)
        now = int(self._clock.now().timestamp())
        code = "".join(code.split())
        if not re.fullmatch(r"\d{6}", code):
            return None
        for step in (now // 30, now // 30 - 1, now // 30 + 1):
            if secrets.compare_digest(totp.generate_otp(step), code):
                return step
        return None


def check_password(password: str, name: str) -> None:
    """Raises `WrongUse` where a password is too short, too long or too easy to guess."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise WrongUse(f"口令要 {SHORTEST_PASSWORD} 至 {LONGEST_PASSWORD} 个字符", "可以用几个词连成一句")
    folded = password.lower()
    if folded in _COMMON or len(set(folded)) < 4 or folded == name.lower() or name.lower() == folded[::-1]:
        raise WrongUse("口令太容易猜到", "换一个")


def hashed(token: str) -> str:
    """What is kept of a token: who reads the store can't use it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _end_all(connection: sa.Connection, user_id: int, now: datetime) -> None:
    connection.execute(
        sessions.update().where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None)).values(ended_at=now)
    )


def _verify(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _roles(roles: Sequence[str]) -> list[str]:
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        raise WrongUse(Problem("role-unknown", role=unknown[0]), f"known are: {', '.join(ROLES)}")
    return [role for role in ROLES if role in roles]


def _display(text: str) -> str:
    return " ".join(text.split())[:100]


def user_of(row: sa.RowMapping) -> User:
    return User(
        id=row["id"], name=row["name"], display=row["display"], unit_id=row["unit_id"], roles=tuple(row["roles"]),
        has_password=row["password_hash"] is not None, has_totp=row["totp_sealed"] is not None,
        created_at=row["created_at"], disabled_at=row["disabled_at"],
    )  # fmt: skip
