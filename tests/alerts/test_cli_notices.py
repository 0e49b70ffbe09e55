"""`minsheng roster`, `notices`, `channels` and `silences`, as people use them; and the pages that explain them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from alerts.duty import model
from alerts.duty.file import parse_book
from alerts.outbox import Outbox
from alerts.plans import PlanBook
from minsheng.clock import SystemClock
from minsheng.parts import open_store
from minsheng.settings import load_settings
from tests import commands
from tests.alerts.conftest import World, burst
from tests.stores import lay_store

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "how-to" / "roster.md").read_text(encoding="utf-8")
(BOOK,) = [re.sub("(?m)^   ", "", block) for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.S)]
SETTINGS = """
[notify]
terminal = false

[[notify.channels]]
name = "group"
url = "http://127.0.0.1:9/"

[[notify.channels]]
name = "mail"
url = "http://127.0.0.1:9/?to={to}"
personal = true
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def minsheng(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command on a data folder with a yellow ticket whose notice has been tried."""
    folder = tmp_path_factory.mktemp("data")
    lay_store(folder / "store.db")
    (folder / "minsheng.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "duty.toml").write_text(BOOK, encoding="utf-8")
    run = partial(commands.minsheng, "--data-dir", str(folder), cwd=folder)
    assert run("roster", "import", "duty.toml").returncode == 0
    settings = load_settings(folder, environ={})
    store = open_store(settings)
    world = World(store, settings, SystemClock(), PlanBook.from_folder())  # type: ignore[arg-type]
    world.take(burst(30, SystemClock().now().replace(microsecond=0), minutes=0.1))
    Outbox(store, settings, SystemClock()).deliver()
    store.close()
    return run


def test_the_roster_from_the_guide_answers_who_is_on_duty(minsheng: Run) -> None:
    (watch,) = json.loads(minsheng("roster", "who", "--at", "2026-12-01T03:00", "--json").stdout)
    assert [one["name"] for one in watch["watchers"]] == ["李娜"] and watch["shift"] == "夜班"
    shown = minsheng("roster", "who", "--at", "2026-12-01T12:00")
    assert "张伟" in shown.stdout and "zhang@example.gov.cn" in shown.stdout
    assert minsheng("roster", "gaps").returncode == 0
    assert minsheng("roster", "export").stdout == BOOK
    assert "第 1 版" not in minsheng("roster", "revisions").stderr
    assert len(json.loads(minsheng("roster", "people", "--json").stdout)) == 3
    ics = minsheng("roster", "shifts", "--since", "2026-12-01", "--until", "2026-12-03", "--person", "zhang", "--ics")
    assert ics.stdout.startswith("BEGIN:VCALENDAR") and ics.stdout.count("BEGIN:VEVENT") == 2


def test_changes_are_made_and_taken_back(minsheng: Run) -> None:
    span = ("--since", "2027-01-05T09:00", "--until", "2027-01-05T11:00")
    done = minsheng("roster", "stand-in", "zhang", "--by", "chen", *span, "--reason", "开会", "--json")
    (change,) = json.loads(done.stdout)
    who = json.loads(minsheng("roster", "who", "--at", "2027-01-05T10:00", "--json").stdout)
    names = {one["name"] for watch in who for one in watch["watchers"]}
    assert names in ({"陈主任"}, {"李娜"}), "stands in where it was the other one's turn"
    assert minsheng("roster", "withdraw", str(change["id"])).returncode == 0
    assert json.loads(minsheng("roster", "changes", "--json").stdout) == []
    assert len(json.loads(minsheng("roster", "changes", "--all", "--json").stdout)) == 1
    swap = minsheng("roster", "swap", "zhang", "2026-12-01", "li", "2026-12-03T20:00", "--reason", "家事", "--json")
    assert len(json.loads(swap.stdout)) == 2
    away = ("away", "li", "--since", "2027-02-01", "--until", "2027-02-02", "--reason", "年假")
    assert minsheng("roster", *away).returncode == 0
    gap = minsheng("roster", "gaps", "--since", "2027-02-01", "--until", "2027-02-02")
    assert gap.returncode == 1 and "李娜不在岗，无人顶班" in gap.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("roster", "stand-in", "zh", "--by", "li", "--since", "2027-01-05", "--until", "2027-01-06", "--reason", "x"),
         "there is no person zh"),
        (("roster", "who", "--at", "tomorrow"), "'tomorrow' is no time"),
        (("roster", "who", "--roster", "night"), "there is no roster night"),
        (("silences", "add", "--policy", "water-price", "--reason", "x"), "a silence has one end"),
        (("silences", "add", "--policy", "nothing", "--for", "2h", "--reason", "x"), "there is no policy nothing"),
        (("silences", "add", "--policy", "water-price", "--for", "soon", "--reason", "x"), "is no length of time"),
        (("silences", "end", "99"), "there is no silence 99"),
        (("notices", "why", "T1"), "there is no ticket T1"),
        (("channels", "test", "mail"), "give --person or --to"),
        (("channels", "test", "nothing"), "there is no channel nothing"),
    ],
)  # fmt: skip
def test_wrong_use_says_what_is_right(minsheng: Run, arguments: tuple[str, ...], words: str) -> None:
    done = minsheng(*arguments)
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_a_wrong_book_is_refused_with_its_lines(minsheng: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(BOOK.replace('"roster:duty"', '"roster:dutty"'), encoding="utf-8")
    done = minsheng("roster", "import", str(wrong))
    assert done.returncode == 2 and done.stderr.count("did you mean duty?") == 3
    assert minsheng("roster", "export").stdout == BOOK


def test_why_somebody_got_a_notice_or_not(minsheng: Run) -> None:
    (ticket,) = json.loads(minsheng("tickets", "list", "--json").stdout)
    told = json.loads(minsheng("notices", "list", "--json").stdout)
    assert {one["channel"] for one in told} == {"mail"} and any(one["attempts"] == 1 for one in told)
    explained = minsheng("notices", "why", ticket["number"], "chen")
    assert "未发给此人：适用的路由没有指向此人；当时值班的是" in explained.stdout
    assert "路由“红橙”不适用：等级不符" in explained.stdout
    assert "等待发送（上次失败：127.0.0.1" in minsheng("notices", "why", ticket["number"], told[0]["person"]).stdout
    assert "mail" in minsheng("notices", "list", "--waiting").stdout


def test_silences_are_made_listed_and_ended(minsheng: Run) -> None:
    made = minsheng("silences", "add", "--policy", "water-price", "--for", "2h", "--reason", "统一答复", "--json")
    (silence,) = json.loads(made.stdout)
    assert "统一答复" in minsheng("silences", "list").stdout
    assert minsheng("silences", "end", str(silence["id"])).returncode == 0
    assert json.loads(minsheng("silences", "list", "--json").stdout) == []


def test_channels_say_how_they_do(minsheng: Run) -> None:
    shown = {one["name"]: one for one in json.loads(minsheng("channels", "list", "--json").stdout)}
    assert shown["group"]["state_words"] == "尚未使用"
    assert shown["mail"]["failures"] == 1 and shown["mail"]["state_words"].startswith("上次失败：127.0.0.1")
    assert "上次失败" in minsheng("channels", "list").stdout
    done = minsheng("channels", "test", "mail", "--person", "li")
    assert done.returncode == 1 and "channel mail: 127.0.0.1" in done.stderr


def test_the_doctor_knows_the_roster(minsheng: Run) -> None:
    told = minsheng("doctor").stdout
    assert "3 people" in told and "roster" in told


def test_the_page_names_every_key_of_a_book() -> None:
    page = (DOCS / "reference" / "duty-book.md").read_text(encoding="utf-8")
    kinds = [
        model.Unit, model.Person, model.Address, model.Roster, model.Shift, model.Special, model.Route,
        model.Escalation, model.ChainStep, model.Inhibition,
    ]  # fmt: skip
    missing = [
        f"{kind.__name__}.{field.name}"
        for kind in kinds
        for field in msgspec.structs.fields(kind)
        if f"`{field.name}`" not in page and f"`[[{'escalations'}.{field.name}]]`" not in page
    ]
    assert missing == []
    assert [f"[[{name}]]" for name in model.DutyBook.__struct_fields__ if f"`[[{name}]]`" not in page] == []


def test_the_chain_in_the_guide_is_right() -> None:
    guide = (DOCS / "how-to" / "escalation.md").read_text(encoding="utf-8")
    chain = re.findall(r"```toml\n(.*?)```", guide, re.S)[0]
    people = BOOK[: BOOK.index("[[routes]]")]
    assert [step.after_minutes for step in parse_book(people + chain).escalations[0].steps] == [5, 15]
