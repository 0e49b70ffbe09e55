"""How a drill's report tells of what is not done yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from alerts.drills.report import ClockLine, DrillReport
from briefings.drill import met_words

NOW = datetime(2026, 5, 8, 9, 0, tzinfo=UTC)


def test_what_still_has_time_is_neither_late_nor_counted() -> None:
    later, over = NOW + timedelta(hours=1), NOW - timedelta(minutes=1)
    lines = tuple(
        ClockLine(title="作出回应", due_at=due, done_at=done)
        for due, done in ((later, None), (later, NOW), (over, None), (over, NOW), (None, None))
    )
    report = DrillReport(
        number="D20260508-001", scenario="s", title="t", policy="p", actor="a", started_at=over, ended_at=None,
        made_at=NOW, expected="yellow", level="", ticket="", outcome="open", posts=1, arrived=1, plan="", steps=(),
        clocks=lines, tasks=(), told=(), escalations=0, findings=(),
    )  # fmt: skip
    assert [met_words(line, report) for line in lines] == ["未到时限", "按时", "未完成", "超时", "—"]
    assert report.in_time == (1, 3)
    ended = msgspec.structs.replace(report, ended_at=NOW)
    assert met_words(lines[0], ended) == "未完成"
    assert ended.in_time == (1, 4)
