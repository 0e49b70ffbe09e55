"""Kept briefings: from draft to issued, the same bytes for ever, and every form says what has become of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import docx
import msgspec
import pytest
import sqlalchemy as sa

from alerts.channels import Channel
from alerts.notices import Notice
from alerts.outbox import Outbox
from alerts.tables import tickets
from briefings.issuing import receipts
from briefings.kept import Kept, form
from briefings.looks import Look
from briefings.making import make_and_keep
from briefings.opening import opened
from briefings.report import numbers
from briefings.shelf import BriefingShelf
from briefings.tables import briefings, steps
from briefings.wording import read, written
from console.audit import AuditLog
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.settings import ChannelSettings, DistributionSettings, NotifySettings, Settings
from tests.briefings.small_world import DAY, MIDNIGHT, World, record

LIST = DistributionSettings(kinds=("daily",), to=("channel:office",), names=("市政府办公室", "分管副市长"))


class Told(Channel):
    """Keeps what it was given."""

    precedence: ClassVar[int] = 0

    def __init__(self, _url: str = "", _timeout: float = 0.0) -> None:
        self.notices: list[Notice] = []

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)


def with_list(settings: Settings) -> Settings:
    notify = NotifySettings(terminal=False, channels=(ChannelSettings(name="office", url="json://127.0.0.1:9"),))
    briefing = msgspec.structs.replace(settings.briefing, distribution=(LIST,))
    return msgspec.structs.replace(settings, briefing=briefing, notify=notify)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = World(tmp_path / "world", store=url)
    made.fill()
    made.settings = with_list(made.settings)
    yield made
    made.close()


@pytest.fixture
def shelf(world: World) -> BriefingShelf:
    return BriefingShelf(world.store, world.settings, world.clock, four_eyes=True)


@pytest.fixture
def kept(world: World) -> Kept:
    return make_and_keep(world, "daily", DAY, actor="system")


def signed(shelf: BriefingShelf, kept: Kept) -> Kept:
    shelf.review(kept.number, actor="wang")
    return shelf.sign(kept.number, actor="li", signer="李四")


def texts(shelf: BriefingShelf, kept: Kept) -> dict[str, str]:
    """What each form says, PDFs apart."""
    look = shelf.look(kept)
    document = docx.Document(io.BytesIO(form(kept, look, "docx")))
    return {
        "html": form(kept, look, "html").decode(),
        "json": form(kept, look, "json").decode(),
        "docx": "\n".join(paragraph.text for paragraph in document.paragraphs),
    }


def test_from_draft_to_being_read(world: World, shelf: BriefingShelf, kept: Kept) -> None:
    assert (kept.number, kept.status, kept.issue) == ("RB-20260508", "draft", "")
    (first, *_) = kept.generated.summary
    changed = written(first.parts).replace("共收到信息", "全市共收到信息")
    kept = shelf.edit(kept.number, {first.id: changed}, actor="wang", version=1)
    assert (kept.status, [one.text for one in kept.changes]) == ("edited", [changed])
    assert kept.changes[0].generated == written(first.parts)
    assert kept.current.summary[0].text.startswith("全市共收到信息20条")
    assert [one for one in numbers(kept.current) if one.value == 20] != [], "the number still opens its posts"
    with pytest.raises(WrongUse, match="wang wrote the words"):
        shelf.review(kept.number, actor="wang")
    with pytest.raises(WrongUse, match="is edited and can't be signed"):
        shelf.sign(kept.number, actor="li")
    shelf.review(kept.number, actor="zhao", version=2)
    with pytest.raises(WrongUse, match="it is at version 3, not 2"):
        shelf.sign(kept.number, actor="li", version=2)
    kept = shelf.sign(kept.number, actor="li", signer="李四")
    assert (kept.issue, kept.signer, kept.intact, len(kept.digest or "")) == ("〔2026〕第1期", "李四", True, 64)
    with pytest.raises(WrongUse, match="is signed and can't be edited"):
        shelf.edit(kept.number, {first.id: "别的"}, actor="wang", version=4)
    kept = shelf.issue(kept.number, actor="wang")
    assert (kept.status, kept.head.recipients) == ("issued", ("市政府办公室", "分管副市长"))

    channel = Told()
    assert [one.state for one in receipts(world.store, kept)] == ["waiting"]
    Outbox(world.store, world.settings, world.clock, {"office": channel}).deliver()
    (notice,) = channel.notices
    assert "舆情风险日报〔2026〕第1期" in notice.subject and "全市共收到信息20条" in notice.why
    shelf.opened(kept.number, "chen")
    shelf.opened(kept.number, "chen")
    assert [(one.who, one.state) for one in receipts(world.store, kept)] == [
        ("channel:office", "sent"), ("chen", "opened")
    ]  # fmt: skip
    assert [one.action for one in shelf.history(kept.number)] == ["made", "edited", "reviewed", "signed", "issued"]
    lines = [line for line in AuditLog(world.store, world.clock).list() if line.subject == kept.number]
    assert [json.loads(line.detail)["to"] for line in reversed(lines)] == [
        "made", "edited", "reviewed", "signed", "issued"
    ]  # fmt: skip


def test_made_again_later_it_is_the_same_byte_for_byte(
    world: World, shelf: BriefingShelf, kept: Kept, tmp_path: Path
) -> None:
    kept = signed(shelf, kept)
    look = shelf.look(kept)
    before = {name: form(kept, look, name) for name in ("html", "docx", "json")}
    world.index.write(
        [record(f"late-{n}", MIDNIGHT + timedelta(hours=3), "迟到的信息", policy="bus") for n in range(9)]
    )
    with world.store.begin() as connection:
        connection.execute(sa.update(tickets).values(title="改了", level="red"))
    PolicyRegister(world.store, world.clock).import_policies([])
    folder = world.settings.path("briefing-templates")
    folder.mkdir()
    (folder / "report.html.j2").write_text("别的样子", encoding="utf-8")
    world.clock.advance(hours=900)
    again = BriefingShelf(world.store, world.settings, world.clock)
    found = again.get(kept.number)
    assert found.look != Look.from_settings(world.settings).version
    assert {name: form(found, again.look(found), name) for name in before} == before
    fresh = make_and_keep(world, "daily", DAY, actor="zhao")
    assert (fresh.number, fresh.look) == ("RB-20260508.2", Look.from_settings(world.settings).version)
    assert fresh.report != found.report, "one made now is another one"


def test_withdrawn_and_corrected_ones_say_so_on_every_form(world: World, shelf: BriefingShelf, kept: Kept) -> None:
    shelf.issue(signed(shelf, kept).number, actor="wang")
    new = shelf.correct(kept.number, actor="wang", reason="漏列一件工单")
    assert (new.number, new.status, new.corrects) == ("RB-20260508.2", "draft", "RB-20260508")
    assert shelf.get(kept.number).corrected_by is None, "the old one holds until the new one is issued"
    shelf.issue(signed(shelf, new).number, actor="wang")
    old, new = shelf.get(kept.number), shelf.get(new.number)
    assert new.issue == "〔2026〕第2期"
    for name, text in texts(shelf, old).items():
        assert "本期已由RB-20260508.2更正" in text, name
    for name, text in texts(shelf, new).items():
        assert "本期更正RB-20260508" in text and "漏列一件工单" in text, name
    with pytest.raises(WrongUse, match=r"corrected by RB-20260508\.2 already"):
        shelf.correct(old.number, actor="wang", reason="再改")
    gone = shelf.withdraw(new.number, actor="li", reason="来源有误")
    for name, text in texts(shelf, gone).items():
        assert "撤回，请勿再用。原因：来源有误" in text, name
    channel = Told()
    Outbox(world.store, world.settings, world.clock, {"office": channel}).deliver()
    assert [one.subject[:6] for one in channel.notices] == ["【简报】舆情", "【简报】舆情", "【简报撤回】"]
    assert gone.intact and old.intact


def test_what_may_not_be_is_refused_and_nothing_is_written(world: World, shelf: BriefingShelf, kept: Kept) -> None:
    with pytest.raises(WrongUse, match="no briefing"):
        shelf.get("RB-1")
    with pytest.raises(WrongUse, match="no paragraph p999"):
        shelf.edit(kept.number, {"p999": "x"}, actor="wang", version=1)
    for act in (lambda: shelf.withdraw(kept.number, actor="li", reason=" "), lambda: shelf.review("RB-1", actor="w")):
        with pytest.raises(WrongUse):
            act()
    with pytest.raises(WrongUse, match="needs somebody"):
        shelf.review(kept.number, actor=" ")
    assert (shelf.get(kept.number).version, len(shelf.history(kept.number))) == (1, 1)
    empty = BriefingShelf(world.store, Settings(data_dir=world.settings.data_dir), world.clock)
    other = empty.keep(kept.generated, Look.read(), code="20260509", actor="system")
    empty.review(other.number, actor="wang")
    empty.sign(other.number, actor="li")
    with pytest.raises(WrongUse, match="no distribution list"):
        empty.issue(other.number, actor="wang")
    # A signature that came to nothing gave its number back.
    assert [signed(shelf, kept).issue, empty.get(other.number).issue] == ["〔2026〕第2期", "〔2026〕第1期"]


def test_what_was_changed_behind_the_programs_back_shows(world: World, shelf: BriefingShelf, kept: Kept) -> None:
    kept = signed(shelf, kept)
    with world.store.begin() as connection:
        connection.execute(briefings.update().values(report=kept.report.replace("取暖费", "取暧费")))
    found = shelf.get(kept.number)
    assert not found.intact
    assert all("内容与签发时不一致" in text for text in texts(shelf, found).values())
    with pytest.raises(WrongUse, match="not what was signed"):
        shelf.issue(kept.number, actor="wang")


def test_a_code_on_paper_opens_exactly_its_posts(world: World, shelf: BriefingShelf, kept: Kept) -> None:
    (number,) = [one for one in kept.generated.evidence if one.title == "情感：负面"]
    world.index.write([record("late", MIDNIGHT + timedelta(hours=3), "迟到", sentiment="negative")])
    _, found = shelf.resolve(f"rb-20260508—{number.code}")
    shown = opened(world.index, found)
    assert [one.id for one in shown.posts] == list(number.ids) and len(shown.posts) == found.total == 9
    assert shown.note == ""
    for wrong in ("RB-20260508-999", "RB-20260508", "nothing", "RB-20991231-1", ""):
        with pytest.raises(WrongUse):
            shelf.resolve(wrong)


def test_a_number_keeps_its_evidence_only_while_it_stays_itself(kept: Kept) -> None:
    known = list(numbers(kept.generated))
    text = written(kept.generated.summary[0].parts)
    assert read(text, known) == kept.generated.summary[0].parts
    for wrong in (text.replace("20[1]", "21[1]"), text.replace("20[1]", "120[1]"), text.replace("20[1]", "[1]")):
        with pytest.raises(WrongUse, match=r"code \[1\] must stand behind"):
            read(wrong, known)
    assert read("据[文]12[999]所述，共21条。", known) == ("据[文]12[999]所述，共21条。",)
    assert read("", known) == ()
    with pytest.raises(WrongUse, match="more than"):
        read("长" * 5_001, known)


def test_a_paragraph_is_left_out_and_comes_back(shelf: BriefingShelf, kept: Kept) -> None:
    last = list(kept.generated.paragraphs())[-1]
    without = shelf.edit(kept.number, {last: ""}, actor="wang", version=1, marks={"secrecy": "秘密★1年"})
    assert last not in without.current.paragraphs() and last in without.generated.paragraphs()
    assert without.head.secrecy == "秘密★1年"
    back = shelf.edit(kept.number, {last: None}, actor="wang", version=2)
    assert (back.status, back.edits, back.current) == ("draft", {}, back.generated)
    assert shelf.edit(kept.number, {}, actor="wang", version=3).version == 3, "nothing changed, nothing written"


def test_a_failed_step_leaves_all_as_it_was(
    world: World, shelf: BriefingShelf, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(shelf, kept)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr("briefings.shelf.tell_issued", fails)
    with pytest.raises(RuntimeError):
        shelf.issue(kept.number, actor="wang")
    assert shelf.get(kept.number).status == "signed"
    with world.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(steps)) == 3
    assert AuditLog(world.store, world.clock).verify().broken is None
