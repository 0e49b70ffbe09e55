"""Rule files: what is refused and where, what watch words find, and who changed what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alerts.rules import default_rules, read_rules
from alerts.rules.book import RuleBook
from alerts.rules.reading import default_text
from alerts.rules.words import BadWords, fold, parse
from alerts.tables import rule_changes
from minsheng.clock import ManualClock
from minsheng.errors import BadInput, WrongUse
from minsheng.records import scores_of
from tests.alerts.conftest import NOW, World, burst, record


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('level = "blue"', 'level = "purple"', "purple"),
        ('when = ["policy == 1", "voices >= 8"', 'when = ["policy == 1", "voice >= 8"', "did you mean voices?"),
        ('when = ["policy == 1", "voices >= 8"', 'when = ["policy == 1", "voices > many"', "no condition"),
        ('scopes = ["matter"]', 'scope = ["matter"]', "unknown field"),
        ("死亡 OR 身亡", "死亡 OR (身亡", "bracket"),
        ("hold = 0.8", "hold = 0.8 0.9", "no TOML"),
        ("hold = 0.8", "hold = 8.0", "hold"),
        ("volume = 0.28", "volume = -1.0", "volume"),
        ('name = "split-blue"', 'name = "burst-blue"', "two rules named burst-blue"),
        ('"messages >= 4"', '"messages >= 1"', "at least two messages"),
        ("[words.grave]", "[words.harm]", "the model has that name"),
        ("[words.grave]", "[words.advert]", "the model has that name"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(old: str, new: str, said: str) -> None:
    text = default_text()
    assert text.count(old) >= 1
    changed = text.replace(old, new, 1)
    with pytest.raises(BadInput) as error:
        read_rules(changed, "mine.toml")
    assert said in str(error.value)
    line = int(str(error.value).partition("line ")[2].partition(":")[0])
    # A list of words is written over several lines: its key is named.
    where = "match = " if "身亡" in new else new
    wanted = changed[: changed.rindex(where)].count("\n") + 1
    assert line == wanted, str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"voices >= 8"', '"voice >= 8"', "里的指标“voice”不存在，是不是要写 voices？"),
        ('"voices >= 8"', '"声量 8"', "的条件“声量 8”看不懂：应写指标、比较符和数，例如 voices >= 8。"),
        ('name = "split-blue"', 'name = "burst-blue"', "有两条规则都叫“burst-blue”。"),
        ("hold = 0.8", "hold = 0.8 0.9", "不合 TOML 的写法："),
    ],
)
def test_a_bad_file_is_refused_in_the_language_of_the_duty_room(old: str, new: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        read_rules(default_text().replace(old, new, 1), "规则")
    assert error.value.problem is not None
    assert error.value.problem.chinese.startswith("规则第 ") and said in error.value.problem.chinese


@pytest.mark.parametrize(
    ("words", "fits", "not_fits"),
    [
        ("停水 停电", "停水又停电", "只是停水"),
        ("停水 OR 停电", "停电了", "停气了"),
        ("停水 | 停电", "停水了", "停气了"),
        ("停水 NOT 计划", "突然停水", "计划停水"),
        ("停水 -(计划 OR 检修)", "突然停水", "检修停水"),
        ("(停水 OR 停电) NEAR/4 三天", "停水已经三天了", "停水，通知说过去的三天"),
        ("三天 NEAR/4 停水", "停水已经三天了", "停水了，我们等了很久，三天"),
        ('"ABC 公司"', "ａｂｃ 公司违约", "abc 的公司"),
        ("/第[0-9]+天/", "停水第15天", "停水第几天"),
        ("/涨了?价/ NEAR/3 水", "水涨价", "涨价的不是别的而是水"),
        ("水费 AND (贵 OR 高) NOT 降", "水费太贵", "水费贵的问题：降了"),
    ],
)
def test_watch_words(words: str, fits: str, not_fits: str) -> None:
    assert parse(words).matches(fold(fits))
    assert not parse(words).matches(fold(not_fits))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no words"),
        ("停水 OR", "ends where a word should follow"),
        ("(停水", "not closed"),
        ("停水)", "no beginning"),
        ("NOT 停水", "only excludes"),
        ("停水 NEAR/3 NOT 停电", "NEAR"),
        ("/(a/", "no regular expression"),
        ("/(a+)\\1/", "no regular expression"),
        ("/a*/", "fits every text"),
        ('停水 "停电', "quote"),
        ("(" * 80 + "水" + ")" * 80, "too many brackets"),
        ("水 " * 5000, "at most"),
    ],
)
def test_bad_watch_words_are_refused(words: str, said: str) -> None:
    with pytest.raises(BadWords) as error:
        parse(words)
    assert said in str(error.value)


def test_a_pattern_that_others_take_minutes_for_is_quick() -> None:
    assert not parse("/(a+)+$b/").matches("a" * 100_000)


def test_what_is_installed_is_in_force_and_recorded(world: World) -> None:
    book = RuleBook(world.store, world.clock)
    assert book.in_force() == default_rules()
    changed = default_text().replace('version = "2"', 'version = "3"').replace('"voices >= 8"', '"voices >= 4"')
    book.install(changed, "mine.toml", actor="zhang", reason="防汛期间从严")
    with pytest.raises(BadInput):
        book.install(changed.replace("voices", "voces"), "mine.toml", actor="li", reason="试")
    with pytest.raises(WrongUse):
        book.install(changed, "mine.toml", actor="li", reason=" ")
    assert [(one.actor, one.version, one.reason) for one in book.history()] == [
        ("zhang", "3", "防汛期间从严"),
        ("shipped", default_rules().version, ""),
    ]
    assert RuleBook(world.store, world.clock).in_force().version == "3"
    world.take(burst(4, minutes=2))
    assert [ticket.level for ticket in world.tickets()] == ["blue"]


def test_rules_that_cannot_be_read_any_more_leave_those_before_in_force(world: World) -> None:
    book = RuleBook(world.store, world.clock)
    with world.store.begin() as connection:
        connection.execute(
            rule_changes.insert().values(
                at=NOW, actor="newer", reason="r", version="9", digest="0" * 12, content="schema = 9"
            )
        )
    assert book.in_force() == default_rules()
    world.take(burst(20, minutes=1))
    assert len(world.tickets()) == 1
    mine = book.install(default_text().replace("hold = 0.8", "hold = 0.7"), "mine", actor="zhang", reason="r")
    with world.store.begin() as connection:
        broken = {"at": NOW, "actor": "newer", "reason": "r", "version": "9", "digest": "0" * 12}
        connection.execute(rule_changes.insert().values(**broken, content="schema = 9"))
    for read in (book, RuleBook(world.store, world.clock)):
        assert read.in_force().digest == mine.digest != default_rules().digest, "also by a process that starts now"
        assert list(read.unreadable()) == [mine.id + 1]


def test_a_running_stage_takes_new_rules_up(world: World) -> None:
    stage = world.stage()
    stage.work(burst(4, minutes=2))
    text = default_text().replace('"voices >= 8"', '"voices >= 3"')
    RuleBook(world.store, ManualClock(NOW)).install(text, "mine.toml", actor="zhang", reason="从严")
    world.clock.advance(seconds=60)
    stage.work([record("late", NOW + timedelta(minutes=9))])
    assert len(world.tickets()) == 1


def test_the_shipped_rules_pass_the_tests_beside_them() -> None:
    from alerts.rules import testing

    file = Path(testing.__file__).parent / "default.test.toml"
    outcomes = testing.run_file(file)
    assert len(outcomes) >= 12
    assert [one for one in outcomes if one.problem] == []


def test_a_wrong_expectation_fails(tmp_path: Path) -> None:
    from alerts.rules.testing import run_file

    file = tmp_path / "x.test.toml"
    text = '[[tests]]\nname = "a"\n[[tests.documents]]\nstart = 2026-03-10T12:00:00\ncount = 3\n'
    file.write_text(text + '[[tests.expect]]\nlevel = "red"\n', encoding="utf-8")
    (outcome,) = run_file(file)
    assert "1 tickets expected, 0 opened" in outcome.problem


def test_hours_days_departments_and_kinds_narrow_a_rule(world: World) -> None:
    base = default_text()
    night = base[: base.index("[[rules]]")] + (
        '[[rules]]\nname = "night"\ntitle = "夜间"\nlevel = "yellow"\nhours = [22, 6]\ndays = "workday"\n'
        'departments = ["云和市发展和改革委员会"]\nkinds = ["post"]\nwhen = ["voices >= 3"]\n'
    )
    RuleBook(world.store, world.clock).install(night, "night.toml", actor="zhang", reason="夜班")
    noon, late = datetime(2026, 3, 10, 4, tzinfo=UTC), datetime(2026, 3, 10, 15, tzinfo=UTC)
    saturday = datetime(2026, 3, 14, 15, tzinfo=UTC)
    world.take(burst(5, noon, event="noon", prefix="n"))
    world.take(burst(5, saturday, event="saturday", prefix="s"))
    world.take(burst(5, late, event="letters", prefix="l", kind="message"))
    world.take(burst(5, late, event="other", prefix="o", policy=None))
    assert world.tickets() == []
    world.take(burst(5, late, event="late", prefix="t"))
    assert [(ticket.event, ticket.level) for ticket in world.tickets()] == [("late", "yellow")]


@pytest.mark.parametrize(("kind", "level"), [("post", []), ("message", ["yellow"])])
def test_what_the_model_reads_as_advertising_is_no_voice_but_letters_count_all_the_same(
    world: World, kind: str, level: list[str]
) -> None:
    storm = burst(12, minutes=2, kind=kind, text="新规看不懂？找我们代办，加微信")
    advert = scores_of("advert")
    world.take(
        [msgspec.structs.replace(one, assessed=msgspec.structs.replace(one.assessed, advert=advert)) for one in storm]
    )
    assert [ticket.level for ticket in world.tickets()] == level


def test_who_mostly_advertises_is_no_voice_with_what_the_model_overlooks_either(world: World) -> None:
    advert = scores_of("advert")
    storm = [
        record(f"a{n}", NOW + timedelta(minutes=n), author=f"shop-{n % 12}", text=f"新规看不懂？找我们代办{n}")
        for n in range(36)
    ]
    seen = [
        msgspec.structs.replace(one, assessed=msgspec.structs.replace(one.assessed, advert=advert))
        for one in storm[:24]
    ]
    world.take([*seen, *storm[24:]])
    assert world.tickets() == []
    world.take(burst(20, NOW + timedelta(minutes=40), minutes=1, prefix="real"))
    (ticket,) = world.tickets()
    assert not set(ticket.documents) & {one.document.id for one in storm}


@pytest.mark.parametrize(("unsure", "level"), [(False, ["yellow"]), (True, [])])
def test_harm_that_only_the_model_reads_makes_few_voices_grave(world: World, unsure: bool, level: list[str]) -> None:
    told = [record(f"h{n}", NOW + timedelta(minutes=20 * n), text="井边那孩子，送到时已经凉了") for n in range(3)]
    harm = msgspec.structs.replace(scores_of("harm"), unsure=unsure)
    world.take(
        [msgspec.structs.replace(one, assessed=msgspec.structs.replace(one.assessed, harm=harm)) for one in told]
    )
    assert [ticket.level for ticket in world.tickets()] == level
    assert all("人员伤亡" in ticket.why for ticket in world.tickets())
