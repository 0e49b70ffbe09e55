"""The daily briefing: every number counted again by other means, and a clean page whatever the day was like."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from briefings.evidence import LISTED, Evidence, Line, Number
from briefings.gather import gather
from briefings.html import daily_html
from briefings.model import Figures
from briefings.period import daily_briefing
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.records import Grouped
from minsheng.settings import load_settings
from search.index import Filters
from tests.briefings.small_world import DAY, MIDNIGHT, World, burst, earlier, record

EVERYTHING = burst() + earlier()

WORLD = Path(__file__).parents[2] / "sample" / "world"


def of_day(day: date = DAY, until: timedelta = timedelta(days=1)) -> list[Grouped]:
    """The documents of a day, counted without the index."""
    since = MIDNIGHT + (day - DAY)
    return [each for each in EVERYTHING if since <= each.document.published_at < since + until]


def about(records: list[Grouped], policy: str) -> list[Grouped]:
    return [each for each in records if policy in {link.policy_id for link in each.assessed.policies}]


def negative(records: list[Grouped]) -> list[Grouped]:
    return [each for each in records if each.assessed.sentiment.label == "negative"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def brief(world: World, day: date = DAY) -> Figures:
    return daily_briefing(
        day,
        index=world.index,
        policies=PolicyRegister(world.store).all(),
        facts=gather(world.store, world.log, day, world.clock),
        unit="云岭市政务舆情值班室",
        clock=world.clock,
    )


@pytest.fixture
def briefing(world: World) -> Figures:
    world.fill()
    return brief(world)


def test_volume_and_its_change(briefing: Figures) -> None:
    assert briefing.total.value == len(of_day()) == 20
    past = [len(of_day(DAY - timedelta(days=back))) for back in range(1, 8)]
    assert briefing.total_change.mean == pytest.approx(sum(past) / 7)
    assert briefing.total_change.direction == "up"
    hours = Counter(each.document.published_at.hour for each in of_day())
    assert briefing.hours == tuple(hours[hour] for hour in range(24))
    assert briefing.busiest is not None
    assert (briefing.busiest[0], briefing.busiest[1].value) == hours.most_common(1)[0]


def test_policies_that_were_spoken_of(briefing: Figures) -> None:
    expected = {policy: about(of_day(), policy) for policy in ("heating", "school")}
    assert {line.id: line.count.value for line in briefing.policies} == {
        policy: len(records) for policy, records in expected.items()
    }
    assert {line.id: line.negative.value for line in briefing.policies} == {
        policy: len(negative(records)) for policy, records in expected.items()
    }
    assert [line.id for line in briefing.policies] == ["heating", "school"]
    assert [(line.change.direction, line.released_days) for line in briefing.policies] == [("up", 2), ("noise", None)]
    assert briefing.silent_policies.value == 1


def test_a_policy_that_fell_silent_is_named(world: World) -> None:
    world.fill()
    loud = [
        record(f"loud-{back}-{number}", MIDNIGHT - timedelta(days=back, hours=-9), "公交票价", policy="bus")
        for back in range(1, 8)
        for number in range(30)
    ]
    world.index.write(loud)
    (line,) = [line for line in brief(world).policies if line.id == "bus"]
    assert (line.count.value, line.change.direction) == (0, "down")
    assert line.change.words.startswith("下降100.0%")


def test_events_and_their_key_posts(briefing: Figures) -> None:
    first, second = briefing.events
    heat = [each for each in of_day() if each.event.id == "heat"]
    assert (first.id, first.title) == ("heat", "供暖价格调整引发取暖费上涨担忧")
    assert (first.count.value, first.negative.value) == (len(heat), len(negative(heat)))
    assert first.first_at == min(each.document.published_at for each in heat)
    assert first.last_at == max(each.document.published_at for each in heat)
    assert first.sources == ("forum", "daily-news")
    assert first.tickets == ("T0001",)
    assert [post.engagement for post in first.key_posts] == [130, 120, 110]
    # Without a title from the grouping, the post that says most about it names the event.
    assert (second.id, second.title, second.count.value) == ("enrol", "招生方案", 4)


def test_copies_of_one_text_are_one_key_post(world: World) -> None:
    world.fill()
    world.index.write(
        [
            record(
                f"copy-{number}",
                MIDNIGHT + timedelta(hours=15),
                "转发：取暖费翻倍",
                request="complaint",
                event="heat",
                group="same",
                likes=9_000 - number,
            )
            for number in range(5)
        ]
    )
    posts = brief(world).events[0].key_posts
    assert [post.engagement for post in posts] == [9_000, 130, 120]


def test_tickets_by_level_and_their_clocks(briefing: Figures) -> None:
    assert {line.level: (line.opened.value, line.closed.value, line.open.value) for line in briefing.levels} == {
        "red": (0, 0, 0),
        "orange": (1, 0, 1),
        "yellow": (0, 0, 1),
        "blue": (1, 1, 1),
    }
    assert [ticket.number for ticket in briefing.open_tickets] == ["T0001", "T0003", "T0006"]
    clocks = [(clock.name, clock.settled_at is not None) for clock in briefing.open_tickets[0].deadlines]
    # The clock that the rise to orange replaced was not met: it is not told as done.
    assert clocks == [("举行新闻发布会", False)]
    assert briefing.open_tickets[2].status == "5月9日 02:00 办结"


def test_shares_add_up(briefing: Figures) -> None:
    day = of_day()
    counted = {
        "sentiments": Counter(each.assessed.sentiment.label for each in day),
        "requests": Counter(each.assessed.request.label for each in day),
        "topics": Counter(each.assessed.topic.label for each in day),
        "sources": Counter(each.document.source for each in day),
    }
    for name, counts in counted.items():
        lines = getattr(briefing, name)
        assert {line.label: line.count.value for line in lines} == counts
        assert sum(line.count.value for line in lines) == briefing.total.value
    assert [line.name for line in briefing.sources] == ["云岭论坛", "云岭日报"]
    assert [line.name for line in briefing.sentiments] == ["负面", "中性", "正面"]


def test_what_was_not_seen(briefing: Figures) -> None:
    assert briefing.coverage.sources == 3
    (blind,) = briefing.coverage.unseen
    assert (blind.name, blind.reason) == ("市长信箱", "采集失败（连接超时）")
    assert briefing.unseen.value == 1
    assert briefing.dead_letters.value == 2  # the third one came after midnight


def test_the_sentences_say_the_same_numbers(briefing: Figures) -> None:
    volume, risk, blind = (sentence.text for sentence in briefing.summary)
    assert volume == (
        "共收到信息20条，较昨日变化不显著，较前7日日均（4.6条）上升至约4.4倍（+15条）；"
        "其中负面9条，占45.0%（95%区间25.8%—65.8%）。"
        "讨论量显著上升的政策1项：《云岭市居民供暖价格调整办法》15条，由零上升（+15条）。"
    )
    assert risk == (
        "新增风险工单2件（Ⅱ级（重大）1件、Ⅳ级（一般）1件），办结Ⅳ级（一般）1件，"
        "未办结3件（Ⅱ级（重大）1件、Ⅲ级（较大）1件、Ⅳ级（一般）1件）。"
    )
    assert blind == "3个信源中有1个未能正常采集（市长信箱），其内容未计入以上情况；另有2条记录未能处理。"


def numbers(value: object) -> Iterator[Number]:
    """Every `Number` anywhere in a briefing."""
    if isinstance(value, Number):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from numbers(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from numbers(item)


def test_every_number_opens_evidence_that_gives_it(world: World, briefing: Figures) -> None:
    evidence = {each.id: each for each in briefing.evidence}
    found = list(numbers(briefing))
    assert len(found) > 40
    for number in found:
        if number.shown:
            assert evidence[number.evidence or ""].lines
            continue
        assert (number.evidence is None) == (number.value == 0)
        if number.evidence is not None:
            assert evidence[number.evidence].total == number.value
    for each in briefing.evidence:
        if each.filters is not None:
            assert world.index.count(each.filters) == each.total
            assert len(each.posts) == min(each.total, LISTED)
            assert each.ids == tuple(dict.fromkeys(each.ids)) and len(each.ids) == each.total
        elif each.lines and each.command:
            assert len(each.lines) == each.total
    assert {number.evidence for number in found if number.evidence} | {
        moved.evidence for moved in [briefing.total_change, *(line.change for line in briefing.policies)]
    } == set(evidence)


def test_the_means_of_earlier_days_list_them(world: World, briefing: Figures) -> None:
    evidence = {each.id: each for each in briefing.evidence}
    past = evidence[briefing.policies[1].change.evidence or ""]
    assert past.title == "涉及《云岭市义务教育阶段招生工作方案》：前7日合计"
    assert [line.text for line in past.lines] == [f"5月{day}日：1条" for day in range(1, 8)]
    for line in past.lines:
        assert world.index.count(filters_of(line.command)) == 1


def filters_of(command: str) -> Filters:
    """What a `minsheng search` command line asks the index."""
    words = shlex.split(command)
    assert words[:3] == ["minsheng", "search", ""]
    options: dict[str, list[str]] = {}
    for name, value in zip(words[3::2], words[4::2], strict=True):
        options.setdefault(name, []).append(value)
    fields = {"--policy": "policies", "--source": "sources", "--sentiment": "sentiments", "--topic": "topics"}
    fields |= {"--request": "requests", "--event": "events"}
    chosen = {fields[name]: tuple(values) for name, values in options.items() if name in fields}
    since, until = (datetime.fromisoformat(options[name][0]) for name in ("--since", "--until"))
    return Filters(**chosen, since=since, until=until)  # type: ignore[arg-type]


def test_the_command_lines_give_the_numbers(world: World, briefing: Figures) -> None:
    for each in briefing.evidence:
        if each.filters is not None:
            assert world.index.count(filters_of(each.command)) == each.total


def test_the_command_lines_are_those_of_the_program(briefing: Figures) -> None:
    import typer.main

    from minsheng.cli.app import app

    program = typer.main.get_command(app)
    commands = {each.command for each in briefing.evidence if each.command}
    commands |= {line.command for each in briefing.evidence for line in each.lines if line.command}
    for command in commands:
        words = shlex.split(command)[1:]
        inner = program
        while hasattr(inner, "commands"):
            inner = inner.commands[words.pop(0)]
        inner.make_context("x", words)


def test_a_command_line_that_is_typed_in_gives_the_number(
    world: World, briefing: Figures, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from minsheng.cli.app import app

    for each in briefing.evidence[:4]:
        if each.filters is not None:
            app(["--data-dir", str(tmp_path), *shlex.split(each.command)[1:], "--json"], standalone_mode=False)
            assert json.loads(capfdbinary.readouterr().out)["total"] == each.total


class Page(HTMLParser):
    """What a browser would find in the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id" and (value or "").startswith("evidence-"):
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_loads_nothing(briefing: Figures) -> None:
    html = daily_html(briefing)
    page = Page(html)
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inner) == set(page.ids) == {each.id for each in briefing.evidence}
    assert len(page.ids) == len(set(page.ids))
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside
    assert all(link.startswith("http://127.0.0.1:9/post/") for link in outside)
    assert not {"link", "img", "iframe", "object"} & set(page.tags)
    assert not re.search(r"@import|url\((?!#)", html)
    assert "请问有没有补贴？<b>" in page.text  # text from outside is text
    assert "javascript:alert" not in html
    for words in ("云岭市政务舆情值班室", "2026年5月8日（星期五）", "已逾期 1天2小时", "发布第3天", "T0001"):
        assert words in page.text


def test_texts_from_outside_are_never_markup(world: World) -> None:
    bad = '"><script>alert(1)</script>'
    world.index.write(
        [
            record(f"bad-{number}", MIDNIGHT, bad, title=bad, source=bad, topic=bad, event=bad, url=f"https://x/{bad}")
            for number in range(3)
        ]
    )
    html = daily_html(brief(world))
    assert "<script>alert" not in html
    assert Page(html).tags["script"] == 1


def test_the_same_data_give_the_same_page(world: World) -> None:
    world.fill()
    assert daily_html(brief(world)) == daily_html(brief(world))


@pytest.mark.postgresql
@pytest.mark.elasticsearch
def test_the_servers_give_the_same_page(
    tmp_path: Path, postgresql_url: str, elasticsearch_server: str, unique: str
) -> None:
    from search.elastic import ElasticsearchIndex

    environ = {"MINSHENG_SEARCH__URLS": elasticsearch_server, "MINSHENG_SEARCH__INDEX_PREFIX": unique}
    index = ElasticsearchIndex.from_settings(load_settings(tmp_path, environ=environ))
    pages = []
    for made in (World(tmp_path / "here"), World(tmp_path / "there", store=postgresql_url, index=index)):
        made.fill()
        pages.append(daily_html(brief(made)))
        made.close()
    assert pages[0] == pages[1]


def test_an_empty_world_gives_a_clean_page(world: World) -> None:
    briefing = brief(world)
    assert [sentence.text for sentence in briefing.summary] == [
        "未收到任何信息。",
        "无新增、办结和未办结的风险工单。",
        "尚未配置信源，以上情况只反映导入的信息。",
    ]
    assert briefing.evidence == ()
    page = Page(daily_html(briefing))
    assert "政策库中没有政策" in page.text
    assert not page.ids


def test_the_first_day_is_not_compared(world: World) -> None:
    world.index.write(burst())
    briefing = brief(world)
    assert briefing.total_change.direction == "unknown"
    assert "历史数据不足，暂不比较" in briefing.summary[0].text


def test_a_day_that_is_not_over_is_compared_with_the_same_hours(world: World) -> None:
    world.fill()
    world.clock.set(MIDNIGHT + timedelta(hours=10, minutes=30))
    briefing = brief(world)
    part = timedelta(hours=10, minutes=30)
    assert briefing.complete is False
    assert briefing.total.value == len(of_day(until=part))
    past = [len(of_day(DAY - timedelta(days=back), part)) for back in range(1, 8)]
    assert briefing.total_change.mean == pytest.approx(sum(past) / 7)
    assert "截至5月8日 10:30" in Page(daily_html(briefing)).text


def test_a_day_to_come_is_refused(world: World) -> None:
    with pytest.raises(WrongUse, match="not here yet"):
        brief(world, DAY + timedelta(days=5))


def test_rare_characters_emoji_and_long_texts_stay_whole(world: World) -> None:
    text = "𠮷㐂😀" * 3_000
    world.index.write([record(f"rare-{number}", MIDNIGHT, text, title="𠮷田㐂", event="rare") for number in range(3)])
    briefing = brief(world)
    assert briefing.events[0].title == "𠮷田㐂"
    assert len(briefing.events[0].key_posts[0].excerpt) == 120
    daily_html(briefing).encode()


def test_a_page_of_many_numbers_shows_less_behind_each_and_leads_to_the_rest(briefing: Figures) -> None:
    def page(numbers: int, whole_lists: str) -> str:
        evidence = tuple(
            Evidence(
                id=f"evidence-{number}", title=f"第{number}项", total=40, command="minsheng tickets list",
                lines=(Line(at=None, text="有此一件"),) * 40,
            )
            for number in range(1, numbers + 1)
        )  # fmt: skip
        return daily_html(msgspec.structs.replace(briefing, evidence=evidence), whole_lists=whole_lists)

    assert len(briefing.evidence) < 40, "or numbers of the page would lead nowhere"
    for numbers, lines in ((40, 12), (300, 2), (2_000, 1)):
        html = page(numbers, "/briefings/2026-05-08/evidence/")
        assert html.count("有此一件") == numbers * lines
        assert html.count(f"其余{40 - lines}条见依据页") == numbers
    assert page(300, "").count("有此一件") == 300 * 12, "who has only a file has nowhere to go on"


def test_it_is_read_back_from_json(briefing: Figures) -> None:
    assert msgspec.json.decode(msgspec.json.encode(briefing), type=Figures) == briefing


def test_a_policy_with_a_plan_among_the_files_lacks_none(world: World, tmp_path: Path) -> None:
    world.fill()
    folder = tmp_path / "plans"
    folder.mkdir()

    def lacking() -> dict[str, bool]:
        found = gather(world.store, world.log, DAY, world.clock, folder)
        return {one.policy: not one.plans for one in found.readiness}

    policy = next(iter(lacking()))
    assert lacking()[policy]
    sample = (WORLD / "plans/parking-charges-cost.toml").read_text(encoding="utf-8")
    (folder / "own.toml").write_text(sample.replace('"parking-charges"', f'"{policy}"'), encoding="utf-8")
    assert not lacking()[policy]
    (folder / "spoilt.toml").write_text("id = ", encoding="utf-8")
    assert lacking()[policy], "the briefing is made all the same"
