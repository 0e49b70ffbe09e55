"""`minsheng doctor`: each trouble is found and comes with what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.rules.book import RuleBook
from alerts.rules.reading import default_text
from alerts.tables import outbox, rule_changes, tickets, timers
from classifiers.corrections import CorrectionBook, corrected
from crawlers.tables import crawl_state, sources
from minsheng.clock import ManualClock
from minsheng.doctor import Finding, examine
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import DeadLetter, Document, encode
from minsheng.settings import load_settings
from minsheng.store import Store
from search.embedded import EmbeddedIndex
from stream.embedded import EmbeddedLog
from stream.log import DEAD_LETTERS, DOCUMENTS, TOPICS, Message
from tests import commands
from tests.search.corpus import grouped
from tests.stores import made_store

CLOCK = ManualClock()
NOW = CLOCK.now() + timedelta(days=200)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder as it is after a first run in which nothing went wrong, on a machine with fonts for Chinese."""
    has_fonts(monkeypatch, "Noto Sans CJK SC", "Noto Serif CJK SC")
    index = EmbeddedIndex(tmp_path / "index.db")
    index.ensure()
    index.close()
    log = EmbeddedLog(tmp_path / "log.db")
    log.ensure_topics(dict.fromkeys(TOPICS, 1))
    log.close()
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    PolicyRegister(store, ManualClock(NOW)).import_policies([Policy(id="a", title="云岭市供暖办法")])
    with store.begin() as connection:
        source(connection, "forum", last_ok=NOW)
    store.close()
    channel = '[[notify.channels]]\nname = "duty"\nurl = "json://127.0.0.1:9/"\n'
    (tmp_path / "minsheng.toml").write_text(f'[crawl]\ncontact = "duty@example.org"\n{channel}')
    return tmp_path


def has_fonts(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr("briefings.fonts.installed_fonts", lambda: names)


def source(connection: sa.Connection, name: str, *, last_ok: object) -> None:
    connection.execute(
        sa.insert(sources),
        {
            "id": name,
            "kind": "feed",
            "name": f"{name}-name",
            "url": "http://127.0.0.1:9/",
            "every": 600,
            "enabled": True,
            "note": "",
            "options": {},
        },
    )
    connection.execute(
        sa.insert(crawl_state), {"source_id": name, "last_ok_at": last_ok, "last_run_at": NOW, "failures": 0}
    )


def found(folder: Path, **environ: str) -> dict[str, list[Finding]]:
    by_part: dict[str, list[Finding]] = {}
    for finding in examine(load_settings(folder, environ=environ), ManualClock(NOW)):
        by_part.setdefault(finding.part, []).append(finding)
        assert (finding.state == "ok") == (finding.advice == "")
    return by_part


def trouble(folder: Path, part: str, **environ: str) -> Finding:
    (finding,) = [each for each in found(folder, **environ)[part] if each.state != "ok"]
    return finding


def with_store(folder: Path) -> Store:
    return Store(f"sqlite:///{folder / 'store.db'}")


def test_holidays_that_are_not_announced_are_missed_in_time(folder: Path) -> None:
    found = examine(load_settings(folder, environ={}), ManualClock(datetime(2097, 3, 1, tzinfo=UTC)))
    (calendar,) = [finding for finding in found if finding.part == "calendar"]
    assert calendar.state == "warning" and "2097" in calendar.message and "[work]" in calendar.advice


def test_sites_that_are_asked_without_a_contact(folder: Path) -> None:
    file = folder / "minsheng.toml"
    file.write_text(file.read_text().replace('contact = "duty@example.org"', 'contact = ""'))
    finding = trouble(folder, "sources")
    assert (finding.state, "crawl.contact" in finding.advice) == ("warning", True)


def test_a_healthy_folder_is_well(folder: Path) -> None:
    looked_at = found(folder)
    assert {finding.state for findings in looked_at.values() for finding in findings} == {"ok"}
    assert list(looked_at) == [
        "settings", "data folder", "fonts", "log", "index", "store", "model", "clock", "lag", "dead letters",
        "policies", "labels", "plans", "rules", "sources", "deadlines", "calendar", "channels", "notices", "roster",
        "silences",
    ]  # fmt: skip


def test_missing_fonts_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_fonts(monkeypatch)
    assert "no PDF can be made" in trouble(folder, "fonts").message
    has_fonts(monkeypatch, "SimHei")
    finding = trouble(folder, "fonts")
    assert "none with serifs" in finding.message and "fonts-noto-cjk" in finding.advice


def test_a_new_folder_is_told_how_to_begin(tmp_path: Path) -> None:
    (finding,) = found(tmp_path / "new")["data folder"]
    assert finding.state == "pending"
    assert "minsheng run --sample" in finding.advice
    assert not (tmp_path / "new").exists()


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    looked_at = found(tmp_path)
    assert [looked_at[part][0].state for part in ("log", "index", "store")] == ["pending"] * 3
    assert "policies" not in looked_at
    assert list(tmp_path.iterdir()) == []


def test_records_that_nobody_takes_are_told(folder: Path) -> None:
    log = EmbeddedLog(folder / "log.db")
    producer = log.producer()
    document = Document(id="1", source="s", kind="post", published_at=NOW, fetched_at=NOW)
    producer.send([Message(DOCUMENTS, "1", encode(document))])
    producer.close()
    log.close()
    finding = trouble(folder, "lag")
    assert "assess: 1 records wait" in finding.message
    assert "minsheng stage assess" in finding.advice


def test_dead_letters_are_counted_by_stage(folder: Path) -> None:
    log = EmbeddedLog(folder / "log.db")
    producer = log.producer()
    for number in range(3):
        letter = DeadLetter(
            id=str(number), stage="assess", topic="documents", partition=0, offset=number, reason="x", value="", at=NOW
        )
        producer.send([Message(DEAD_LETTERS, letter.id, encode(letter))])
    producer.close()
    log.close()
    assert "3 records could not be handled: assess 3" in trouble(folder, "dead letters").message


def test_a_store_of_a_newer_program_is_broken(folder: Path) -> None:
    with with_store(folder).begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    looked_at = found(folder)
    assert looked_at["store"][0].state == "broken"
    assert "policies" not in looked_at


def test_servers_that_are_away_are_broken_and_the_rest_is_still_looked_at(folder: Path) -> None:
    looked_at = found(
        folder,
        MINSHENG_STORE__KIND="postgresql",
        MINSHENG_STORE__PORT="9",
        MINSHENG_SEARCH__KIND="elasticsearch",
        MINSHENG_SEARCH__URLS="http://127.0.0.1:9",
        MINSHENG_SEARCH__TIMEOUT="2",
    )
    assert looked_at["store"][0].state == "broken"
    assert looked_at["index"][0].state == "broken"
    assert looked_at["dead letters"][0].state == "ok"


def test_a_missing_secret_is_broken_without_the_others_suffering(folder: Path) -> None:
    with (folder / "minsheng.toml").open("a") as file:
        file.write('[[notify.channels]]\nname = "x"\nsecret_url = { env = "NOT_SET_ANYWHERE" }\n')
    looked_at = found(folder)
    assert "notify.channels[1].secret_url" in looked_at["settings"][0].message
    assert looked_at["channels"][0].state == "broken"
    assert looked_at["notices"][0].state == "ok"


def test_every_channel_that_can_t_be_used_is_named_and_no_secret(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (folder / "minsheng.toml").open("a") as file:
        file.write('[[notify.channels]]\nname = "wrong"\nurl = "wecom://topsecret"\n')
        file.write('[[notify.channels]]\nname = "sms"\nurl = "http://127.0.0.1:9/"\nbody = "to={to}&text={shrt}"\n')
        file.write("personal = true\n")
    channels = found(folder)["channels"]
    assert [one.state for one in channels] == ["broken", "broken", "ok"]
    assert "no notifier knows such an address" in channels[0].message
    assert "unknown place {shrt}; known are to, text, short" in channels[1].message
    assert "topsecret" not in "".join(capfd.readouterr()), "nor by the library that looked at it"


def test_sources_that_are_not_seen_are_named(folder: Path) -> None:
    with with_store(folder).begin() as connection:
        source(connection, "board", last_ok=NOW - timedelta(days=2))
    finding = trouble(folder, "sources")
    assert "board-name" in finding.message
    assert finding.advice == "minsheng sources check board"


def test_policies_and_plans_that_point_nowhere_are_named(folder: Path) -> None:
    register = PolicyRegister(with_store(folder), ManualClock(NOW))
    register.import_policies([Policy(id="b", title="乙", successor="c", plans=("no-such-plan",))])
    assert "b: its successor c" in trouble(folder, "policies").message
    assert "no-such-plan" in trouble(folder, "plans").message


def test_labels_that_the_index_does_not_show_are_told(folder: Path) -> None:
    record = grouped(1, "停车费太贵", at=NOW - timedelta(hours=5))
    index = EmbeddedIndex(folder / "index.db")
    index.write([record])
    book = CorrectionBook(with_store(folder), ManualClock(NOW - timedelta(hours=1)))
    book.add(record.assessed, "sentiment", "positive", by="李敏")
    finding = trouble(folder, "labels")
    assert "1 documents do not show" in finding.message and finding.advice == "minsheng labels resend"
    again = msgspec.structs.replace(record.assessed, opinion=2)
    index.write([msgspec.structs.replace(record, assessed=corrected(again, {"sentiment": "positive"}))])
    assert [each.state for each in found(folder)["labels"]] == ["ok"]
    index.close()


def test_a_broken_plan_file_is_told_with_its_line(folder: Path) -> None:
    (folder / "plans").mkdir()
    (folder / "plans" / "x.toml").write_text("id = \n")
    finding = trouble(folder, "plans")
    assert finding.state == "broken"
    assert "x.toml" in finding.message


def ticket(connection: sa.Connection) -> int:
    values = {
        "number": "T1", "event_id": "e", "level": "blue", "current_level": "blue", "status": "open",
        "risk_kind": "price", "title": "t", "why": "w", "score": 1.0, "parts": [], "documents": [],
        "historical": False, "opened_at": NOW, "raised_at": NOW, "created_at": NOW, "version": 1,
    }  # fmt: skip
    key = connection.execute(sa.insert(tickets), values).inserted_primary_key
    assert key is not None
    return int(key[0])


def test_deadlines_that_nobody_watches_are_told(folder: Path) -> None:
    with with_store(folder).begin() as connection:
        due = {"ticket_id": ticket(connection), "kind": "response", "due_at": NOW - timedelta(hours=1)}
        connection.execute(sa.insert(timers), due)
    assert "1 have passed" in trouble(folder, "deadlines").message
    with with_store(folder).begin() as connection:
        connection.execute(sa.update(timers).values(paused_at=NOW - timedelta(hours=2)))
    assert [one.state for one in found(folder)["deadlines"]] == ["ok"], "a clock that stands still is not late"


def test_rules_that_cannot_be_read_or_never_hold_are_told(folder: Path) -> None:
    text = default_text().replace('name = "burst-red"\n', 'name = "burst-red"\ndepartments = ["市供热办"]\n')
    RuleBook(with_store(folder), ManualClock(NOW)).install(text, "mine", actor="li", reason="供热")
    finding = trouble(folder, "rules")
    assert finding.state == "warning" and "burst-red is for department 市供热办" in finding.message
    with with_store(folder).begin() as connection:
        values = {"at": NOW, "actor": "li", "reason": "r", "version": "9", "digest": "0" * 12}
        connection.execute(sa.insert(rule_changes), {**values, "content": text + "\nhold = 2\n"})
    broken, *_ = found(folder)["rules"]
    assert broken.state == "broken" and "number 2 can't be read" in broken.message
    assert "minsheng rules show 2" in broken.advice and "is in force instead" in broken.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "duty: 1 wait for more than ten minutes: connection refused"),
        ({"dead_at": NOW - timedelta(days=1)}, "duty: 1 were given up in the last week: connection refused"),
    ],
)
def test_notices_that_do_not_arrive_are_told(folder: Path, fields: dict[str, object], words: str) -> None:
    with with_store(folder).begin() as connection:
        connection.execute(
            sa.insert(outbox),
            {
                "key": "k",
                "ticket_id": ticket(connection),
                "reason": "new",
                "channel": "duty",
                "payload": {},
                "created_at": NOW - timedelta(hours=1),
                "next_try_at": NOW,
                "last_error": "connection refused",
                **fields,
            },
        )
    assert trouble(folder, "notices").message == words


def test_a_clock_that_went_back_is_told(folder: Path) -> None:
    with with_store(folder).begin() as connection:
        connection.execute(sa.update(crawl_state).values(last_run_at=NOW + timedelta(days=1)))
    assert "lies in the future" in trouble(folder, "clock").message
    early = examine(load_settings(folder, environ={}), ManualClock(NOW - timedelta(days=365 * 56)))
    assert [finding.state for finding in early if finding.part == "clock"] == ["broken"]


def test_a_full_disk_is_broken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    real = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=1 << 20))
    assert trouble(folder, "data folder").state == "broken"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=2 << 30))
    assert trouble(folder, "data folder").state == "warning"


def test_the_command_exits_1_only_if_something_is_broken(folder: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = commands.minsheng("--data-dir", str(folder), "doctor", *words)
        return done.returncode, done.stdout

    code, out = run("--json")
    assert (code, json.loads(out)["ok"]) == (0, True)
    (folder / "minsheng.toml").write_text("[stream]\nbatches = 5\n")
    code, out = run("--json")
    assert code == 1
    assert json.loads(out)["findings"][0]["advice"] == "did you mean batch?"
    code, out = run()
    assert code == 1
    assert "did you mean batch?" in out
