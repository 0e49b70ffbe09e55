"""A replay says what the stage does, compares it with what was, and touches nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from alerts.observations import observe
from alerts.replay import Replay
from alerts.replay_documents import read_documents
from alerts.replay_report import replay_store
from alerts.rules import default_rules, read_rules
from alerts.rules.reading import default_text
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.records import Grouped, scores_of
from minsheng.settings import Settings
from minsheng.workdays import WorkCalendar
from tests.alerts.conftest import NOW, WATER, World, burst, record
from tests.alerts.test_alert_stage import stream


def replayed(records: list[Grouped], rules: str | None = None) -> Replay:
    chosen = read_rules(rules, "rules") if rules else default_rules()
    settings = Settings()
    engine = Replay(settings.alert, chosen, {WATER.id: WATER}, WorkCalendar().is_workday, calm=None)
    for one in records:
        engine.take(observe(one, 2.0, chosen.words_in), one.event.merged)
    engine.finish()
    return engine


def split(count: int = 40, **more: object) -> list[Grouped]:
    """A burst that lies in as many events as it has documents."""
    past = [record("past", NOW - timedelta(days=8), event="past")]
    minutes = timedelta(minutes=3)
    return past + [record(f"p{n}", NOW + n * minutes, event=f"e{n}", **more) for n in range(count)]  # type: ignore[arg-type]


def test_the_replay_opens_what_the_stage_opens(world: World) -> None:
    records = stream(3)
    world.take(records, batch=40)
    engine = replayed(records)
    made = [(one.event, one.policy, one.level, one.opened_at) for one in engine.tickets]
    real = [(one.event, one.policy, one.level, one.opened_at) for one in world.tickets()]
    assert made and sorted(made) == sorted(real)


def test_a_split_burst_alarms_once_for_the_policy(world: World) -> None:
    world.take(split(), batch=7)
    (ticket,) = world.tickets()
    assert ticket.event == "policy:water-price" and ticket.policy == "water-price"
    assert "分散在" in ticket.why
    assert "《云和市居民阶梯水价调整方案》" in ticket.title


def test_events_of_a_policy_with_a_ticket_get_none_of_their_own(world: World) -> None:
    world.take(split())
    world.take(burst(30, NOW + timedelta(hours=2), minutes=1, event="e3", prefix="grown"))
    (ticket,) = world.tickets()
    assert ticket.event == "policy:water-price"
    assert ticket.level in ("yellow", "orange", "red")


def test_a_policy_whose_event_has_a_ticket_gets_no_second_one(world: World) -> None:
    world.take([record("past", NOW - timedelta(days=8), event="past")])
    world.take(burst(30, minutes=2, event="main"))
    world.take(split(14, author=None)[1:])
    assert [ticket.event for ticket in world.tickets()] == ["main"]


def test_two_policies_in_one_event_each_get_their_ticket(world: World) -> None:
    from minsheng.policies import Policy

    world.register.import_policies([Policy(id="gas", title="云和市天然气价格联动机制实施方案")])
    world.take([record(f"past{p}", NOW - timedelta(days=8), event="past", policy=p) for p in ("water-price", "gas")])
    world.take(burst(20, minutes=3, event="mixed", prefix="w"))
    world.take(burst(19, NOW + timedelta(minutes=61), minutes=1, event="mixed", prefix="g", policy="gas"))
    assert {ticket.policy for ticket in world.tickets()} == {"water-price", "gas"}
    assert len(world.tickets()) == 2


def test_a_level_does_not_flap_at_its_border(world: World) -> None:
    """Seven voices a day, then six, then seven: enough to stay, not enough to rise."""
    world.take(burst(9, minutes=2))
    for day in range(1, 6):
        count = 7 if day % 2 else 8
        world.take(burst(count, NOW + timedelta(days=day), minutes=3, prefix=f"d{day}-"))
    (ticket,) = world.tickets()
    kinds = [event.kind for event in world.book.timeline(ticket.id)]
    assert kinds.count("level-fell") <= 1


def test_what_the_model_read_counts_in_a_replay_too(world: World) -> None:
    told = [record(f"h{n}", NOW + timedelta(minutes=20 * n), text="井边那孩子，送到时已经凉了") for n in range(3)]
    world.take(
        [
            msgspec.structs.replace(one, assessed=msgspec.structs.replace(one.assessed, harm=scores_of("harm")))
            for one in told
        ]
    )
    since, until = NOW - timedelta(days=1), NOW + timedelta(days=1)
    report = replay_store(
        world.store,
        world.settings,
        default_rules(),
        {WATER.id: WATER},
        since,
        until,
        lambda ids: dict.fromkeys(ids, ""),
    )
    assert [one.outcome for one in report.tickets] == ["both"]


def test_other_rules_over_the_store(world: World) -> None:
    world.take(burst(6, minutes=20))
    world.take(burst(30, NOW + timedelta(days=3), minutes=1, event="later", prefix="l"))
    assert [ticket.event for ticket in world.tickets()] == ["later"]
    since, until = NOW - timedelta(days=1), NOW + timedelta(days=9)
    policies = {WATER.id: WATER}
    same = replay_store(world.store, world.settings, default_rules(), policies, since, until)
    assert [one.outcome for one in same.tickets] == ["both"]
    assert same.documents == 36 and same.delay_minutes == same.real_delay_minutes
    lower = read_rules(default_text().replace('"voices >= 8"', '"voices >= 6"'), "lower")
    more = replay_store(world.store, world.settings, lower, policies, since, until)
    assert [one.outcome for one in more.tickets] == ["new", "both"]
    assert more.delay_minutes is not None
    higher = read_rules(default_text().replace("voices >= ", "voices >= 9"), "higher")
    fewer = replay_store(world.store, world.settings, higher, policies, since, until)
    assert [one.outcome for one in fewer.tickets] == ["missed"]
    assert len(world.tickets()) == 1


def write_rows(path: Path, count: int = 40) -> list[str]:
    start = datetime(2026, 3, 10, 9, tzinfo=CHINA)
    whats = ["水费翻倍", "重复扣费", "抄表不准", "阶梯算错", "热线不通", "窗口推诿", "退费没到", "公示没有"]
    ends = ["请给个说法", "太过分了", "到底谁负责", "老百姓怎么过", "强烈要求退钱"]
    ids = []
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            text = f"阶梯水价{whats[number % 8]}，{whats[(number * 3 + 1) % 8]}，{ends[number % 5]}，家里{number}号楼"
            row = {"id": f"w{number}", "source": "weibo", "kind": "post", "author": f"a{number}", "text": text,
                   "published_at": (start + timedelta(minutes=2 * number)).isoformat()}  # fmt: skip
            ids.append(f"w{number}")
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return ids


def test_a_file_of_documents_without_the_live_store(tmp_path: Path) -> None:
    from minsheng.cli.app import app

    ids = write_rows(tmp_path / "posts.jsonl")
    (tmp_path / "water.toml").write_text(
        'id = "water"\ntitle = "云和市居民阶梯水价调整方案"\naliases = ["阶梯水价"]\n', encoding="utf-8"
    )
    done = CliRunner().invoke(
        app,
        ["--data-dir", str(tmp_path / "live"), "replay", "--documents", str(tmp_path / "posts.jsonl"),
         "--policies", str(tmp_path / "water.toml"), "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (ticket,) = json.loads(done.stdout)
    assert ticket["policy"] == "water" and ticket["level"] in ("blue", "yellow", "orange", "red")
    assert set(ticket["documents"]) <= set(ids) and len(ticket["documents"]) >= 5
    assert datetime.fromisoformat(ticket["opened_at"]) < datetime(2026, 3, 10, 10, tzinfo=CHINA)
    assert not (tmp_path / "live").exists()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"id": "1", "text": "x"}', "published_at"),
        ('{"id": "1", "published_at": "2026-01-01", "text": ""}', "title or a text"),
        ('{"id": "1", "published_at": "soon", "text": "x"}', "'soon' is no whole time"),
        ('{"id": "1", "published_at": "昨天 12:30", "text": "x"}', "is no whole time"),
        ('{"id": "1", "published_at": "0001-01-01", "text": "x"}', "no sensible time"),
        ('{"id": "1", "published_at": "2026-02-30", "text": "x"}', "no whole time"),
        ('{"id": "1", "published_at": "2026-01-01", "fetched_at": "9999-12-31", "text": "x"}', "no sensible time"),
        ('{"id": "0", "published_at": "2026-01-01", "text": "坏"}', "in the file already"),
        ('{"id": "1", "published_at": ', "not readable as JSON"),
        ("[]", "no JSON object"),
        ('{"id": "1", "published_at": "2026-01-01", "text": "x", "kind": "tweet"}', "unknown kind"),
    ],
)
def test_a_row_that_cannot_be_replayed_is_named(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": "0", "published_at": "2026-01-01", "text": "好"}\n' + row + "\n", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_documents(file)
    assert "line 2" in str(error.value) and said in str(error.value)


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    good = '{"id": "0", "published_at": "2026-01-01", "text": "好"}\n'
    file.write_text(good + "".join(f'{{"id": "{n}", "text": "x"}}\n' for n in range(1, 26)), encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_documents(file)
    told = error.value.message.splitlines()
    assert told[1].startswith("line 2: ") and told[20].startswith("line 21: ") and told[21:] == ["... and 5 more"]


def test_times_are_read_as_an_import_reads_them_and_files_in_any_charset(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    times = (
        "2026年3月10日 9:05",
        "2026/3/10 09:05",
        "2026-03-10T01:05:00Z",
        "1773104700000",
        "２０２６－０３－１０ ９：０５",
    )
    rows = "".join(f"{n},{at},留言,水费太贵\n" for n, at in enumerate(times))
    file.write_bytes(f"编号,发布时间,类型,内容\n{rows}".encode("gb18030"))
    found = read_documents(file)
    assert {one.published_at for one in found} == {datetime(2026, 3, 10, 9, 5, tzinfo=CHINA)}
    assert {(one.text, one.kind) for one in found} == {("水费太贵", "message")}


def test_records_of_the_log_are_read_too(tmp_path: Path) -> None:
    from minsheng.records import encode

    document = record("one", NOW).document
    file = tmp_path / "records.jsonl"
    file.write_bytes(encode(document) + b"\n")
    assert read_documents(file) == [document]
