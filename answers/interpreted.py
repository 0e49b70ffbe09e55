"""The interpretation room (解读): each policy beside what explains it, and the figures that a unit answers for.

Rows decide: every figure is a count of rows that are listed, and a row says why it counts. Whether an interpretation is
copied from its document is told from both texts: what the index has at its address, against the policy's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from alerts.responses.wording import copied_share
from answers.texts import PolicyTexts
from minsheng.clock import CHINA, Clock
from minsheng.policies import Policy
from minsheng.policies.interpretations import FORMS, Interpretation, Interpretations
from minsheng.settings import InterpretationSettings
from minsheng.store import Store
from search.index import Filters, Index, Search

Show = Literal["all", "interpreted", "missing", "same-day", "late", "official", "diverse", "plain", "copied", "unnamed"]
SHOWS: dict[Show, str] = {
    "all": "已发布政策",
    "interpreted": "有解读",
    "missing": "无解读",
    "same-day": "同步解读",
    "late": "解读晚于发布",
    "official": "以政府或政府办公厅（室）名义发布",
    "diverse": "其中多元解读",
    "plain": "其中无多元解读",
    "copied": "照抄文件的",
    "unnamed": "未写明第一解读人",
}
"""A list of the room → its name. `diverse`: with more than text; it and `plain` are of the `official` ones."""

_PAGES = 100
"""Pages about one policy that an interpretation's address is looked for in."""
COLUMNS: tuple[str, ...] = (
    "政策编号", "文号", "标题", "部门", "发布日期", "以政府名义", "解读件数", "形式", "首件日期", "是否同步",
    "多元解读",
    "第一解读人", "照抄比例", "注意",
)  # fmt: skip


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of interpretation. `copied`: the share of its text that stands in the document in runs of twenty letters
    and more, 0 to 1; None where one of the two texts is not known, or it is no text."""

    piece: Interpretation
    copied: float | None

    @property
    def form_words(self) -> str:
        return FORMS[self.piece.form]


class Interpreted(msgspec.Struct, frozen=True, kw_only=True):
    """A released policy and its materials, the earliest first.

    Attributes
    ----------
    official:
        Whether it was issued in the name of a government or its office.
    limit:
        From this share on a text counts as copied.
    """

    policy: Policy
    materials: tuple[Material, ...]
    official: bool
    limit: float

    @property
    def same_day(self) -> bool:
        """Whether one of them was out by the day of release."""
        return any(one.piece.same_day(self.policy) for one in self.materials)

    @property
    def diverse(self) -> bool:
        """Whether one of them is more than text."""
        return any(one.piece.form != "text" for one in self.materials)

    @property
    def first_interpreters(self) -> tuple[str, ...]:
        """Who answers for them, each once."""
        return tuple(dict.fromkeys(one.piece.responsible for one in self.materials if one.piece.responsible))

    @property
    def copied(self) -> tuple[Material, ...]:
        """Those that are copied."""
        return tuple(one for one in self.materials if one.copied is not None and one.copied >= self.limit)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be seen to, in words."""
        if not self.materials:
            return ("无解读",)
        found = []
        if not self.same_day:
            found.append("解读晚于发布")
        if self.official and not self.diverse:
            found.append("只有文字解读")
        found += [f"“{one.piece.title}”照抄文件 {one.copied:.0%}" for one in self.copied]
        if not self.first_interpreters:
            found.append("未写明第一解读人")
        return tuple(found)


_TESTS: dict[Show, Callable[[Interpreted], bool]] = {
    "all": lambda row: True,
    "interpreted": lambda row: bool(row.materials),
    "missing": lambda row: not row.materials,
    "same-day": lambda row: row.same_day,
    "late": lambda row: bool(row.materials) and not row.same_day,
    "official": lambda row: row.official,
    "diverse": lambda row: row.official and row.diverse,
    "plain": lambda row: row.official and not row.diverse,
    "copied": lambda row: bool(row.copied),
    "unnamed": lambda row: bool(row.materials) and not row.first_interpreters,
}


def chosen(rows: Sequence[Interpreted], show: Show) -> list[Interpreted]:
    """The rows of one list."""
    return [row for row in rows if _TESTS[show](row)]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows each list has; the share of official policies with more than text, None where there are none such;
    and the share that is asked for."""

    counts: Mapping[Show, int]
    diverse_share: float | None
    goal: float

    @property
    def reached(self) -> bool:
        return self.diverse_share is None or self.diverse_share >= self.goal


def figures(rows: Sequence[Interpreted], settings: InterpretationSettings) -> Figures:
    """The room's figures: each the length of a list."""
    counts = {show: len(chosen(rows, show)) for show in SHOWS}
    share = counts["diverse"] / counts["official"] if counts["official"] else None
    return Figures(counts=counts, diverse_share=share, goal=settings.diverse_share)


def interpreted(
    store: Store,
    clock: Clock,
    index: Index | None,
    policies: Sequence[Policy],
    settings: InterpretationSettings,
    *,
    since: date | None = None,
    until: date | None = None,
) -> list[Interpreted]:
    """The policies of these that are released, the newest first, with their materials.

    Parameters
    ----------
    index:
        Where the texts are compared; None: they are not.
    since, until:
        Only those released from then on, and up to then, both included.
    """
    today = clock.now().astimezone(CHINA).date()
    pieces: dict[str, list[Interpretation]] = {}
    for piece in Interpretations(store, clock).of():
        pieces.setdefault(piece.policy_id, []).append(piece)
    texts = PolicyTexts(store, clock, index)
    rows = []
    for policy in policies:
        day = policy.released_on
        if policy.stage == "draft" or day is None or day > today:
            continue
        if (since is not None and day < since) or (until is not None and day > until):
            continue
        own = pieces.get(policy.id, [])
        copied = _copied(policy, own, texts, index) if index is not None else {}
        rows.append(
            Interpreted(
                policy=policy, official=is_official(policy, settings), limit=settings.copied_share,
                materials=tuple(Material(piece=piece, copied=copied.get(piece.id)) for piece in own),
            )
        )  # fmt: skip
    rows.sort(key=lambda row: (row.policy.released_on or date.min, row.policy.id), reverse=True)
    return rows


def is_official(policy: Policy, settings: InterpretationSettings) -> bool:
    """Whether a policy was issued in the name of a government or its office: by its 文号, or its department."""
    issuer = (policy.number or "").partition("〔")[0]
    if any(issuer.endswith(sign) for sign in settings.official_numbers):
        return True
    return any((policy.department or "").endswith(name) for name in settings.official_departments)


def _copied(policy: Policy, pieces: Sequence[Interpretation], texts: PolicyTexts, index: Index) -> dict[int, float]:
    """Number of a written piece → the share of it that stands in the document, where both texts are known."""
    written = {piece.url: piece.id for piece in pieces if piece.url and piece.form in ("text", "qa", "case")}
    document = texts.of(policy) if written else None
    if document is None:
        return {}
    page = index.search(Search(filters=Filters(policies=(policy.id,), kinds=("news",)), size=_PAGES, highlight=False))
    return {
        written[hit.record.document.url]: copied_share(hit.record.document.text, [document.text])
        for hit in page.hits
        if hit.record.document.url in written
    }


def sheet_rows(rows: Sequence[Interpreted]) -> list[list[str]]:
    """The rows as cells under `COLUMNS`."""
    return [
        [
            row.policy.id, row.policy.number or "", row.policy.title, row.policy.department or "",
            str(row.policy.released_on), "是" if row.official else "否", str(len(row.materials)),
            "、".join(dict.fromkeys(one.form_words for one in row.materials)),
            str(min((one.piece.published_on for one in row.materials), default="")),
            "是" if row.same_day else "否", "是" if row.diverse else "否", "、".join(row.first_interpreters),
            "、".join(f"{one.copied:.0%}" for one in row.materials if one.copied is not None), "；".join(row.warnings),
        ]
        for row in rows
    ]  # fmt: skip
