"""月度回应情况: the month by unit within what a viewer may see, as cells, and what lies behind each of them."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from alerts.responses.monthly import Month, UnitMonth, bounds
from console.access import Visit
from minsheng.clock import CHINA

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "tickets": ("工单", {"tickets": "新增", "false_alarms": "误报"}),
    "clocks": ("时限", {"on_time": "按时率", "overdue": "超时工单"}),
    "responses": (
        "回应与评价",
        {
            "responded": "已回应", "evaluated": "已评价", "well": "答得好", "score": "均分", "satisfaction": "主管评分",
            "repeated": "再次反映",
        },
    ),
    "hours": (
        "到各环节用时中位数（小时）",
        {
            "to_acknowledge": "签收", "to_judge": "研判", "to_handle": "处置", "to_respond": "回应",
            "to_evaluate": "评估", "to_close": "办结",
        },
    ),
}  # fmt: skip
"""Group of columns → its title, and the figures with theirs; figures as in `alerts.responses.monthly`."""
HEADINGS = ("单位", *(f"{title}·{name}" for title, names in GROUPS.values() for name in names.values()))
NOTHING = "—"
WHOLE = "合计"
_SHARES = ("on_time", "score", "satisfaction")
_BAD = ("overdue", "repeated")


def month_of(visit: Visit, month: str) -> Month:
    """The month's tickets that are the viewer's. Raises `WrongUse` where it is none."""
    return Month(visit.console.store, visit.console.clock, month, visit.view.own_tickets())


def this_month(visit: Visit) -> str:
    return f"{visit.console.clock.now().astimezone(CHINA):%Y-%m}"


def neighbours(month: str) -> tuple[str, str]:
    """The month before and the one after."""
    first: date = bounds(month)[0].date()
    return f"{first - timedelta(days=1):%Y-%m}", f"{bounds(month)[1].date():%Y-%m}"


def cell(row: UnitMonth, figure: str) -> str:
    """What stands in the table."""
    value: float | None = getattr(row, figure)
    if value is None:
        return NOTHING
    return f"{value:.0%}" if figure in _SHARES else f"{value:g}"


def is_bad(row: UnitMonth, figure: str) -> bool:
    """Whether it is to be looked at first."""
    return figure in _BAD and getattr(row, figure) > 0


def address(month: str, unit: str | None, figure: str) -> str:
    """The page with the tickets that a figure is taken from; of all units where `unit` is None."""
    named = {} if unit is None else {"unit": unit}
    return f"/responses/month/tickets?{urlencode({'month': month, **named, 'figure': figure})}"


def sheet_rows(found: Month) -> list[list[str]]:
    """Cells in the order of `HEADINGS`, the whole last."""
    return [
        [row.unit, *(cell(row, figure) for _, names in GROUPS.values() for figure in names)]
        for row in (*found.by_unit(), found.whole(WHOLE))
    ]
