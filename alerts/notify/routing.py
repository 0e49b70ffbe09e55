"""The stage that decides who is told: the duty book's routes, or every channel where none fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from alerts.duty.days import falls_on
from alerts.duty.hours import span_of
from alerts.duty.model import RESPONSIBLE, Person, Route
from alerts.levels import SHORT
from alerts.notify.scene import Case, Scene, Verdict
from minsheng.clock import CHINA


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One address that a notice goes to.

    Attributes
    ----------
    on_duty:
        The person is on duty now; own quiet hours don't count then.
    """

    channel: str
    person: str | None = None
    address: str | None = None
    on_duty: bool = False
    why: str = ""
    cause: str = ""
    digest: tuple[str, ...] = ()
    group_seconds: float = 0.0

    @property
    def receiver(self) -> str:
        return f"person:{self.person}" if self.person else f"channel:{self.channel}"


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a notice goes, what was decided on the way, and the escalation chain that begins."""

    targets: list[Target]
    verdicts: list[Verdict]
    escalation: str = ""


def route(case: Case, scene: Scene) -> Routed:
    """Find the addresses of a notice. There is always one, as long as there is any channel at all: a miss is worse than
    a duplicate."""
    targets: list[Target] = []
    verdicts: list[Verdict] = []
    escalation = ""
    if case.receivers is not None:
        where, name = ("升级链", "升级") if case.ticket_id is not None else ("指定接收人", "指定接收人")
        _follow(Route(name=where, to=case.receivers), name, case, scene, targets, verdicts)
        if not targets and case.reason in ("topic", "briefing"):
            # What is for its owner, or a distribution list, is shown to nobody else.
            return Routed(targets=[], verdicts=verdicts)
    if case.receivers is None or (not targets and case.ticket_id is None):
        for one in scene.book.routes:
            if (why_not := _unfit(one, case, scene)) is not None:
                passed = Verdict(
                    stage="route", outcome="passed", why=f"路由“{one.name}”不适用：{why_not}", cause=f"route:{one.name}"
                )
                verdicts.append(passed)
                continue
            _follow(one, f"路由“{one.name}”", case, scene, targets, verdicts)
            escalation = escalation or one.escalation
            if not one.go_on:
                break
    if not targets:
        verdicts += _everybody(case, scene, targets)
    return Routed(targets=targets, verdicts=verdicts, escalation=escalation)


def _everybody(case: Case, scene: Scene, targets: list[Target]) -> Iterator[Verdict]:
    """No route leads anywhere: every channel that takes the level and needs no person to be named."""
    why = "没有路由适用，发往全部渠道" if scene.book.routes else "没有值守手册，发往全部渠道"
    for channel in scene.shared_channels:
        if case.level in channel.levels:
            target = Target(channel=channel.name, why=why, cause="default")
            targets.append(target)
            yield Verdict(stage="route", outcome="told", why=why, receiver=target.receiver, cause="default")
        else:
            yield Verdict(
                stage="route",
                outcome="skipped",
                why=f"渠道 {channel.name} 不接收{SHORT[case.level]}",
                receiver=f"channel:{channel.name}",
                cause="level",
            )


def _unfit(one: Route, case: Case, scene: Scene) -> str | None:
    """Why a route does not fit, in Chinese; None where it does."""
    now = scene.now.astimezone(CHINA)
    topics = case.policy.topics if case.policy else ()
    if one.levels and case.level not in one.levels:
        return f"等级不符（{SHORT[case.level]}）"
    if one.policies and case.policy_id not in one.policies:
        return "政策不符"
    if one.departments and case.department not in one.departments:
        return "部门不符"
    if one.topics and not set(one.topics) & set(topics):
        return "领域不符"
    if one.risk_kinds and case.risk_kind not in one.risk_kinds:
        return "风险类型不符"
    if one.regions and not _in_regions(one.regions, case.unit.regions if case.unit else ()):
        return "地区不符"
    span = span_of(one.hours).around(now) if one.hours else None
    # Of hours that go past midnight the day is the one on which they begin, as a shift's is.
    day = span[0].date() if span is not None else now.date()
    if one.days and not falls_on(day, one.days, scene.calendar):
        return "日期不符"
    if one.hours and span is None:
        return f"时段不符（{one.hours}）"
    return None


def _in_regions(wanted: Iterable[str], given: Iterable[str]) -> bool:
    """湖南省 holds 湖南省长沙市."""
    return any(region.startswith(place) for place in wanted for region in given)


def _follow(one: Route, name: str, case: Case, scene: Scene, targets: list[Target], verdicts: list[Verdict]) -> None:
    known = {(target.channel, target.address) for target in targets}
    for receiver in one.to:
        for target in _targets_of(receiver, name, case, scene, verdicts):
            target = msgspec.structs.replace(
                target, cause=f"route:{one.name}", digest=one.digest, group_seconds=one.group_seconds
            )
            if (target.channel, target.address) in known:
                continue
            known.add((target.channel, target.address))
            targets.append(target)
            verdicts.append(
                Verdict(
                    stage="route",
                    outcome="told",
                    why=f"{target.why}，渠道 {target.channel}",
                    receiver=target.receiver,
                    cause=f"{target.cause}/{target.channel}",
                )
            )


def _targets_of(receiver: str, name: str, case: Case, scene: Scene, verdicts: list[Verdict]) -> Iterator[Target]:
    """The addresses of one receiver, with why; what leads nowhere becomes a verdict."""
    kind, _, what = receiver.partition(":")
    if kind == "channel":
        yield from _channel(what, name, case, scene, verdicts)
        return
    people = list(_people(receiver, scene, case))
    if not people:
        why = {
            "roster": f"值班表 {what} 此时无人在岗",
            "unit": f"单位 {what} 没有人员",
            "supervisor": f"单位 {what} 没有主管",
            "person": f"值守手册中没有 {what}",
        }.get(kind, "政策没有对应的责任单位")
        verdicts.append(
            Verdict(stage="route", outcome="skipped", why=f"{name}：{why}", receiver="", cause=f"{name}/{receiver}")
        )
    for person, role, duty in people:
        yield from _person(person, f"{name}：{role}", duty, case, scene, verdicts)


def _people(receiver: str, scene: Scene, case: Case) -> Iterator[tuple[Person, str, bool]]:
    """The people of a receiver, as what they are told, and whether they are on duty."""
    kind, _, what = receiver.partition(":")
    book = scene.book
    watching = {one.person for watch in scene.watching for one in watch.watchers}
    if kind == "roster":
        seen: set[str] = set()
        for watch in (one for one in scene.watching if one.roster == what):
            for one in watch.watchers:
                found = book.person(one.person)
                if found is not None and one.person not in seen:
                    seen.add(one.person)
                    instead = f"，顶替{book.name_of(one.instead_of)}" if one.instead_of else ""
                    yield found, f"{found.name}正在值{watch.shift}{instead}", True
        return
    unit = case.unit if receiver == RESPONSIBLE else book.unit(what)
    if kind == "person":
        ids = [what]
    elif kind == "supervisor":
        ids = [unit.supervisor] if unit else []
    else:
        ids = [one.id for one in book.people if unit is not None and one.unit == unit.id]
    for person_id in ids:
        found = book.person(person_id)
        if found is not None:
            role = {"person": "指定", "supervisor": "主管"}.get(kind, f"{unit.name if unit else ''}人员")
            yield found, f"{role}{found.name}", person_id in watching


def _channel(what: str, name: str, case: Case, scene: Scene, verdicts: list[Verdict]) -> Iterator[Target]:
    channel = scene.channel(what)
    if channel is None or channel.personal:
        why = f"设置里没有渠道 {what}" if channel is None else f"渠道 {what} 只能发给个人"
    elif case.level not in channel.levels:
        why = f"渠道 {what} 不接收{SHORT[case.level]}"
    else:
        yield Target(channel=what, why=name)
        return
    verdicts.append(
        Verdict(
            stage="route", outcome="skipped", why=f"{name}：{why}", receiver=f"channel:{what}", cause=f"{name}/{what}"
        )
    )


def _person(
    person: Person, why: str, duty: bool, case: Case, scene: Scene, verdicts: list[Verdict]
) -> Iterator[Target]:
    reached = False
    for place, address in enumerate(person.addresses):
        channel = scene.channel(address.channel)
        if channel is None:
            reason = f"设置里没有渠道 {address.channel}"
        elif case.level not in address.levels or case.level not in channel.levels:
            reason = f"{person.name}的 {address.channel} 不接收{SHORT[case.level]}"
        else:
            reached = True
            yield Target(channel=address.channel, person=person.id, address=address.to, on_duty=duty, why=why)
            continue
        verdicts.append(
            Verdict(
                stage="route",
                outcome="skipped",
                why=reason,
                receiver=f"person:{person.id}",
                cause=f"{address.channel}/{place}",
            )
        )
    if not reached:
        verdicts.append(
            Verdict(
                stage="route",
                outcome="skipped",
                why=f"{why}，但没有接收{SHORT[case.level]}的联系方式",
                receiver=f"person:{person.id}",
                cause="no-address",
            )
        )
