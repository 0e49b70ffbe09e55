"""The stage that decides when: at once, after quiet hours, with a digest, or with others of the same policy."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alerts.duty.hours import next_of, quiet_until
from alerts.notify.routing import Target
from alerts.notify.scene import Case, Scene, Verdict
from minsheng.clock import CHINA

_NEVER_GATHERED = frozenset(("overdue", "escalated"))


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When a notice goes to a target, with which others it shares a message, and what was decided."""

    at: datetime
    bundle: str | None = None
    verdict: Verdict | None = None


def moment_of(case: Case, target: Target, scene: Scene) -> Moment:
    """Red goes at once, whatever the hour."""
    if case.level == "red":
        return Moment(at=scene.now)
    at, bundle, why = scene.now, None, ""
    if case.reason not in _NEVER_GATHERED:
        if target.digest:
            at = next_of(target.digest, scene.now)
            bundle, why = f"digest:{at.isoformat()}", "按汇总时间统一发送"
        elif target.group_seconds > 0:
            # Everybody who falls into the same stretch of time goes with the first.
            width = target.group_seconds
            edge = (int(scene.now.timestamp() / width) + 1) * width
            at = datetime.fromtimestamp(edge, tz=scene.now.tzinfo)
            bundle, why = (
                f"group:{case.policy_id or case.ticket_id or case.matter}:{at.isoformat()}",
                "等待同一政策的其他通知一并发送",
            )
    end = _quiet_until(target, at, scene)
    if end is not None:
        at, bundle, why = end, f"quiet:{end.isoformat()}", "免打扰时段，红色以外的通知顺延"
    if at <= scene.now:
        return Moment(at=scene.now)
    if case.exercise and bundle is not None:
        bundle = f"{bundle}:exercise"  # never in one message with what is real
    return Moment(
        at=at,
        bundle=bundle,
        verdict=Verdict(
            stage="timing",
            outcome="later",
            why=f"{why}：{at.astimezone(CHINA):%m月%d日 %H:%M:%S}",
            receiver=target.receiver,
            cause=(bundle or "")[:120],
        ),
    )


def _quiet_until(target: Target, at: datetime, scene: Scene) -> datetime | None:
    if target.person is None or target.on_duty:
        return None
    return quiet_until(scene.book.person(target.person), at)
