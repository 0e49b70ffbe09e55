"""Charts as SVG for pages and as PNG for documents, both by matplotlib from the same figure.

Levels and sentiments are told apart by pattern as well as by colour; the colours are those of Okabe and Ito, which
people see apart whatever their eyes are like. The words of an SVG stay text, so that the page's own font shows them.
"""

from __future__ import annotations

import functools
import io
import re
from typing import TYPE_CHECKING, Any

from briefings.fonts import DRAWN, installed_fonts
from briefings.report import Chart
from minsheng.logs import get_logger

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = get_logger(__name__)

WIDTH, HEIGHT = 3.0, 1.15
"""Inches: two stand side by side between the margins of A4, so that letters are printed as large as they are drawn."""
LETTERS = 8
"""Points."""

PLAIN = "#0072B2"
STYLES: dict[str, tuple[str, str]] = {
    "red": ("#C00000", "xxxx"),
    "orange": ("#E69F00", "////"),
    "yellow": ("#F0E442", ".."),
    "blue": ("#56B4E9", ""),
    "negative": ("#D55E00", "////"),
    "neutral": ("#BBBBBB", ""),
    "positive": ("#009E73", ".."),
}
"""Key → colour and pattern."""


@functools.lru_cache(maxsize=64)  # the same page is asked for again and again while its figures stay
def draw(chart: Chart) -> str:
    """The chart as an SVG element without anything around it. The same chart gives the same bytes."""
    import matplotlib as mpl

    buffer = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": chart.id, "font.sans-serif": _fonts()}
    with mpl.rc_context(settings):
        figure = _figure(chart)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    found = re.search(r"<svg.*</svg>", buffer.getvalue(), re.S)
    assert found is not None
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", found[0], flags=re.S)
    # Ids must be one chart's own on a page with several; a style element would need a page's permission.
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", svg, flags=re.S)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{chart.id}-\1"', svg)
    svg = re.sub(r'(url\(#|xlink:href="#)', rf"\1{chart.id}-", svg)
    svg = re.sub(r'style="([^"]*)"', _attributes, svg)
    # Patterns are drawn stroke by stroke: six decimals of a point are most of a picture's bytes.
    return re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)


def png(chart: Chart) -> bytes | None:
    """The chart as a picture of 200 dots an inch; None where no font with Chinese characters is installed."""
    import matplotlib as mpl

    if not installed_fonts():
        return None
    buffer = io.BytesIO()
    with mpl.rc_context({"font.sans-serif": list(installed_fonts())}):
        _figure(chart).savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def _fonts() -> list[str]:
    return [*(installed_fonts() or DRAWN), "sans-serif"]


def _attributes(style: Any) -> str:
    """A style attribute as presentation attributes: pages whose policy forbids styles show the chart all the same."""
    found = []
    for declaration in style[1].split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if not value:
            continue
        if name == "font":
            size = re.search(r"([\d.]+)px", value)
            found.append(f'font-size="{size[1] if size else 10}"')
        else:
            found.append(f'{name}="{value.replace(chr(34), chr(39))}"')
    return " ".join(found)


def _figure(chart: Chart) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    tall = max(HEIGHT, 0.22 * len(chart.labels) + 0.35) if chart.shape != "columns" else HEIGHT
    figure = Figure(figsize=(WIDTH, tall), layout="constrained")
    axes = figure.subplots()
    places = list(range(len(chart.values)))
    styles = [STYLES.get(key, (PLAIN, "")) for key in chart.keys] or [(PLAIN, "")] * len(places)
    look: dict[str, Any] = {
        "color": [colour for colour, _ in styles],
        "hatch": [pattern for _, pattern in styles],
        "edgecolor": "#333333",
        "linewidth": 0.4,
    }
    if chart.shape == "columns":
        axes.bar(places, chart.values, width=0.8, **look)
        shown = places[:: max(1, len(places) // 6)]
        axes.set_xticks(shown, [chart.labels[place] for place in shown], fontsize=LETTERS)
        axes.tick_params(axis="y", labelsize=LETTERS)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    else:
        axes.barh(places, chart.values, height=0.7, **look)
        axes.set_yticks(places, chart.labels, fontsize=LETTERS)
        axes.invert_yaxis()
        axes.set_xticks([])
        if chart.low and chart.high:
            reach = [
                [value - low for value, low in zip(chart.values, chart.low, strict=True)],
                [high - value for value, high in zip(chart.values, chart.high, strict=True)],
            ]
            axes.errorbar(chart.values, places, xerr=reach, fmt="none", ecolor="#222222", elinewidth=0.8, capsize=2)
        most = max([*chart.values, *chart.high, 1e-9])
        axes.set_xlim(0, most * 1.35)
        ends = chart.high or chart.values
        for place, (value, end) in enumerate(zip(chart.values, ends, strict=True)):
            axes.text(end + most * 0.02, place, _said(value, chart.unit), va="center", fontsize=LETTERS)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure


def _said(value: float, unit: str) -> str:
    return f"{value:.1f}%" if unit == "%" else f"{value:.0f}{unit}"
