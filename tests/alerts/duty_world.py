"""A duty book for the tests of notices, and channels that keep what they are sent."""

from __future__ import annotations

from typing import Any

from alerts.channels import DeliveryFailed
from alerts.duty.book import BookShelf
from alerts.notices import Notice
from alerts.outbox import Outbox
from minsheng.settings import ChannelSettings, NotifySettings, Settings
from tests.alerts.conftest import World

BOOK = """
[[units]]
id = "office"
name = "云和市政务舆情值班室"
supervisor = "chen"

[[units]]
id = "price"
name = "云和市发展和改革委员会"
regions = ["云和省云和市"]

[[people]]
id = "zhang"
name = "张伟"
unit = "office"
quiet = "22:00-07:00"
addresses = [
  { channel = "mail", to = "zhang@example.test" },
  { channel = "sms", to = "13900000001", levels = ["orange", "red"] },
]

[[people]]
id = "li"
name = "李娜"
unit = "office"
addresses = [{ channel = "mail", to = "li@example.test" }]

[[people]]
id = "chen"
name = "陈主任"
unit = "office"
quiet = "22:00-07:00"
addresses = [{ channel = "mail", to = "chen@example.test" }, { channel = "sms", to = "13900000003" }]

[[people]]
id = "wu"
name = "吴科长"
unit = "price"
addresses = [{ channel = "mail", to = "wu@example.test" }]

[[rosters]]
id = "duty"
name = "舆情值班"
unit = "office"
starts = 2026-03-02
announce = ["channel:group"]

[[rosters.shifts]]
name = "白班"
hours = "08:00-20:00"
people = ["zhang", "li"]

[[rosters.shifts]]
name = "夜班"
hours = "20:00-08:00"
people = ["li", "zhang"]
"""
ROUTES = """
[[routes]]
name = "红橙"
levels = ["orange", "red"]
to = ["roster:duty", "supervisor:office", "channel:group"]
escalation = "fast"

[[routes]]
name = "责任单位"
departments = ["云和市发展和改革委员会"]
to = ["responsible"]
go_on = true

[[routes]]
name = "其他"
to = ["roster:duty"]
escalation = "slow"

[[escalations]]
id = "fast"
name = "红橙升级"

[[escalations.steps]]
after_minutes = 5
to = ["roster:duty"]

[[escalations.steps]]
after_minutes = 15
to = ["supervisor:office"]

[[escalations]]
id = "slow"
name = "一般升级"

[[escalations.steps]]
after_minutes = 30
to = ["supervisor:office"]
"""
CHANNELS = (
    ChannelSettings(name="group", url="terminal://"),
    ChannelSettings(name="mail", url="terminal://{to}", personal=True, per_minute=1000),
    ChannelSettings(name="sms", url="terminal://{to}", personal=True, per_minute=1000),
)


class Kept:
    """A channel that keeps what it is given, after failing as often as it is told to."""

    precedence = 0

    def __init__(self, *failures: DeliveryFailed | Exception) -> None:
        self.failures = list(failures)
        self.sent: list[Notice] = []
        self.tries = 0

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(notice)

    @property
    def to(self) -> list[str]:
        return [notice.to for notice in self.sent]


class Duty:
    """A world with a duty book and the three channels of it."""

    def __init__(self, world: World, book: str = BOOK + ROUTES, **notify: Any) -> None:
        self.world = world
        notify.setdefault("terminal", False)
        world.settings = Settings(
            data_dir=world.settings.data_dir,
            alert=world.settings.alert,
            notify=NotifySettings(channels=CHANNELS, **notify),
        )
        self.shelf = BookShelf(world.store)
        if book:
            self.shelf.put(book, world.settings, world.clock, "admin")
        self.group, self.mail, self.sms = Kept(), Kept(), Kept()
        self.channels = {"group": self.group, "mail": self.mail, "sms": self.sms}

    @property
    def box(self) -> Outbox:
        """A new sender each time, as another process is."""
        return Outbox(self.world.store, self.world.settings, self.world.clock, self.channels)

    def deliver(self) -> dict[str, list[str]]:
        """Send what is due. Returns channel → addresses that got something by now."""
        self.box.deliver()
        return {name: channel.to for name, channel in self.channels.items() if channel.sent}
