"""The evaluation pages of the extraction, and how an extraction of them is scored.

`benchmarks/pages/layouts` holds one file for each way in which Chinese sites lay out an article, or what stands in its
place; `articles.toml` the texts that are put into them and `furniture.toml` what stands around. All of it is written
for this purpose. A layout begins with what is true of it (`+++`, TOML, `+++`); what it puts through `news`, `said`,
`menu` and `noise` must not be in the extracted text, what it puts through `optional` may be.

Half of the layouts, chosen by a hash of their names, are what the rules were tuned on; the others were only scored.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec

FOLDER = Path(__file__).parent / "pages"
_TOKEN = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|\d+(?:\.\d+)?")
_NOT_WORDS = re.compile(r"[\W_]+")
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_SETTER = re.compile(r"""(?:paras|brs)\((?P<how>(?:'[^']*'|"[^"]*"|[^()'"]|\([^()]*\))*)""")
_STRING = re.compile(r"""'[^']*'|"[^"]*["]""")
_PART_OF_TEXT = re.compile(r"body\[| in body|body\||title\[")
"""How a layout sets single paragraphs, or characters of its title."""
WHOLE, CLEAN = 0.97, 0.97


class Truth(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is true of a page: the head of its layout.

    Attributes
    ----------
    article:
        Which text of `articles.toml` it holds; empty where it holds none.
    also:
        Other texts that are put into it, each a page of its own, under their own titles.
    lead:
        What the first paragraph begins with on this site, such as a dateline.
    extra:
        How many paragraphs of `furniture.toml` make the text longer.
    time:
        `2026-11-23 12:30`, or `2026-11-23` where the page names no clock; empty where it names no time.
    pages:
        Over how many pages the article goes.
    obstacle:
        What stands in the place of an article.
    """

    article: str = ""
    also: list[str] = []
    lead: str = ""
    extra: int = 0
    url: str = "http://www.yunjiang.example/content/a1.html"
    title: str = ""
    time: str = ""
    outlet: str = ""
    author: str = ""
    attachments: int = 0
    charset: str = "utf-8"
    pages: int = 1
    obstacle: str = ""


class EvaluationPage(msgspec.Struct, kw_only=True):
    """A rendered page, or the pages of an article that goes over several, by their addresses.

    Attributes
    ----------
    lines:
        The paragraphs of the first page.
    whole:
        The paragraphs of all pages.
    noise:
        What must not be in the text.
    optional:
        Lines that may be in the text: captions of pictures, an editor's note of origin.
    """

    name: str
    truth: Truth
    bodies: dict[str, bytes]
    lines: list[str]
    whole: list[str]
    noise: list[str]
    optional: list[str]

    @property
    def html(self) -> bytes:
        return self.bodies[self.truth.url]

    @property
    def tuned(self) -> bool:
        """Whether the rules were tuned on it."""
        return hashlib.sha256(self.name.partition("~")[0].encode()).digest()[0] % 2 == 0


class Extracted(msgspec.Struct, kw_only=True):
    """What an extractor made of a page."""

    title: str = ""
    time: str = ""  # China's, `2026-11-23 12:30`; or a day alone
    text: str = ""


class Score(msgspec.Struct, kw_only=True):
    """How right it is. `time` counts the minute where the page names it, `date` the day."""

    title: bool
    time: bool
    date: bool
    f1: float
    whole: bool
    clean: bool
    leaked: list[str] = []

    @property
    def whole_and_clean(self) -> bool:
        return self.whole and self.clean


class RealPage(msgspec.Struct, kw_only=True):
    """A saved page that is not in the repository, and what is true of it as hashes.

    Attributes
    ----------
    title:
        Hash of the headline.
    shingles:
        Hashes of a quarter of all runs of six tokens of the body.
    """

    name: str
    html: bytes
    title: str
    time: str
    shingles: list[str]
    url: str = "http://site.example/a.html"


def load_real_pages(folder: Path | None = None) -> list[RealPage]:
    """The real pages that are in `folder`, by default that of the shared data; none where they are not there."""
    folder = folder or Path(os.environ.get("MINSHENG_SHARED_DATA") or FOLDER.parents[2] / "shared" / "data") / "pages"
    kept = tomllib.loads((FOLDER / "real.toml").read_text(encoding="utf-8"))
    return [
        RealPage(name=name, html=path.read_bytes(), title=one["title"], time=one["time"], shingles=one["body"].split())
        for name, one in kept.items()
        if (path := folder / "detail" / name).exists()
    ]


def score_real(page: RealPage, found: Extracted) -> Score:
    """Score what was extracted from a real page: the body by the hashes of its runs of tokens."""
    wanted, given = Counter(page.shingles), Counter(shingles(found.text))
    both = (wanted & given).total()
    recall, precision = both / max(wanted.total(), 1), both / max(given.total(), 1)
    return Score(
        title=hashed(_plain(found.title)) == page.title,
        time=found.time[: len(page.time)] == page.time,
        date=found.time[:10] == page.time[:10],
        f1=2 * recall * precision / (recall + precision) if both else 0.0,
        whole=recall >= WHOLE,
        clean=precision >= CLEAN,
    )


def shingles(text: str) -> list[str]:
    """Hashes of runs of six tokens, those that end in a quarter of all values."""
    tokens = _TOKEN.findall(text)
    runs = (hashed("".join(tokens[place : place + 6])) for place in range(len(tokens) - 5))
    return [run for run in runs if run[-1] in "0123"]


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def hide_names(page: EvaluationPage) -> EvaluationPage:
    """The page with all its classes, ids and item properties made meaningless."""

    def hidden(match: re.Match[str]) -> str:
        names = ("x" + hashed(name).translate(_LETTERS) for name in match[2].split())
        return f'{match[1]}"{" ".join(names)}"'

    charset = page.truth.charset
    bodies = {
        url: re.sub(r"""(\b(?:class|id|itemprop)=)["']([^"']*)["']""", hidden, body.decode(charset)).encode(charset)
        for url, body in page.bodies.items()
    }
    return msgspec.structs.replace(page, bodies=bodies)


def load_pages() -> list[EvaluationPage]:
    """All pages, rendered; the same at every call."""
    return [page for path in sorted((FOLDER / "layouts").glob("*.html")) for page in _pages(path)]


def load_pairings(each: int, seed: int) -> list[EvaluationPage]:
    """Layouts with texts that were not written for them: of those layouts that set all of a text, whatever it is, in
    one place. What is noise there and words of the text is none.

    Parameters
    ----------
    each:
        How many texts each layout gets; fewer where old sites can't write all characters of one.
    seed:
        Which texts are drawn: for a layout the same, whatever other layouts there are.
    """
    found = []
    for path in sorted((FOLDER / "layouts").glob("*.html")):
        truth, layout = _read(path)
        if not truth.article or truth.title or truth.pages > 1 or not sets_whole_text(layout):
            continue
        if _texts()[truth.article]["title"] in layout:
            # It names its own text, by a meta for example.
            continue
        foreign = sorted(_texts().keys() - {truth.article, *truth.also})
        for other in random.Random(f"{seed} {path.stem}").sample(foreign, min(each, len(foreign))):
            # What a site begins sentences with stands before no salutation, heading or row.
            lead = truth.lead if _texts()[other]["body"][0].endswith(("。", "！", "？", "”")) else ""
            alone = msgspec.structs.replace(truth, article=other, extra=0, also=[], lead=lead)
            try:
                page = _render(f"{path.stem}~{other}", alone, layout)
            except UnicodeEncodeError:
                continue
            words = _plain(page.truth.title + "".join(page.lines))
            page.noise = [noise for noise in page.noise if _plain(noise) not in words]
            found.append(page)
    return found


def sets_whole_text(layout: str) -> bool:
    """Whether a layout sets all paragraphs of a text in one place, and none by its number."""
    setters = _SETTER.findall(layout)
    if len(setters) != 1 or _PART_OF_TEXT.search(layout):
        return False
    # A digit in a string is of a style.
    return re.search(r"\d", _STRING.sub("", setters[0])) is None


def fingerprint() -> str:
    """A hash of all layouts and texts, so that figures say what they were measured on."""
    hashed = hashlib.sha256()
    for path in sorted((*(FOLDER / "layouts").glob("*.html"), FOLDER / "articles.toml", FOLDER / "furniture.toml")):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return hashed.hexdigest()[:16]


def score(page: EvaluationPage, found: Extracted, lines: Sequence[str] | None = None) -> Score:
    """Score what was extracted from a page's first page, or against other `lines`."""
    wanted = page.lines if lines is None else lines
    free = {_plain(line) for line in page.optional} | {_plain(page.truth.title)}
    # A document's title may stand over it and in it.
    free -= {_plain(line) for line in wanted}
    kept = [line for line in found.text.split("\n") if _plain(line) not in free]
    f1, recall, precision = token_f1("\n".join(wanted), "\n".join(kept))
    plain = _plain("\n".join(kept))
    leaked = [noise for noise in page.noise if (short := _plain(noise)) and short in plain]
    day = page.truth.time[:10]
    return Score(
        title=_plain(found.title) == _plain(page.truth.title) and bool(found.title),
        time=found.time[: len(page.truth.time)] == page.truth.time if page.truth.time else not found.time,
        date=found.time[:10] == day,
        f1=f1,
        whole=recall >= WHOLE and all(_plain(line)[-8:] in plain for line in (wanted[0], wanted[-1])),
        clean=precision >= CLEAN and not leaked,
        leaked=leaked,
    )


def token_f1(wanted: str, found: str) -> tuple[float, float, float]:
    """F1, recall and precision of tokens: Chinese characters, Latin words and numbers, each as often as it occurs."""
    gold, given = Counter(_TOKEN.findall(wanted)), Counter(_TOKEN.findall(found))
    both = sum((gold & given).values())
    if not both:
        return 0.0, 0.0, 0.0
    recall, precision = both / gold.total(), both / given.total()
    return 2 * recall * precision / (recall + precision), recall, precision


def _plain(text: str) -> str:
    return _NOT_WORDS.sub("", text)


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "articles.toml").read_text(encoding="utf-8"))


@cache
def _furniture() -> dict[str, list[str]]:
    return tomllib.loads((FOLDER / "furniture.toml").read_text(encoding="utf-8"))


def _read(path: Path) -> tuple[Truth, str]:
    """What is true of a layout, and the layout."""
    _, head, layout = path.read_text(encoding="utf-8").split("+++\n", 2)
    return msgspec.convert(tomllib.loads(head), Truth), layout


def _pages(path: Path) -> list[EvaluationPage]:
    """A layout with its text, and with each other one."""
    truth, layout = _read(path)
    others = (msgspec.structs.replace(truth, article=other, title="") for other in truth.also)
    return [_render(path.stem, truth, layout), *(_render(f"{path.stem}~{one.article}", one, layout) for one in others)]


def _render(name: str, truth: Truth, layout: str) -> EvaluationPage:
    article = _texts()[truth.article] if truth.article else {"title": "", "body": []}
    pick = random.Random(name)
    lines = [*article["body"]]
    if truth.lead:
        lines[0] = truth.lead + lines[0]
    if truth.extra:
        lines[-1:-1] = pick.sample(_furniture()["filler"], truth.extra)
    truth.title = truth.title or article["title"]
    shares = _shares(lines, truth.pages)
    made = _Furniture(pick)
    template = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined).from_string(layout)
    bodies: dict[str, bytes] = {}
    for number, share in enumerate(shares, start=1):
        url = page_url(truth.url, number)
        html = template.render(
            title=truth.title, body=share, page=number, pages=truth.pages, **made.functions(), **_setters(share)
        )
        bodies[url] = html.encode(truth.charset)
    plain = [[_gold(line) for line in share] for share in shares]
    return EvaluationPage(
        name=name,
        truth=truth,
        bodies=bodies,
        lines=plain[0],
        whole=[line for share in plain for line in share],
        noise=made.noise,
        optional=made.optional,
    )


def page_url(url: str, number: int) -> str:
    """`a1.html` → `a1_2.html`, as most content systems number an article's pages."""
    stem, dot, suffix = url.rpartition(".")
    return url if number == 1 else f"{stem}_{number}{dot}{suffix}"


def _shares(lines: list[str], pages: int) -> list[list[str]]:
    size = max(-(-len(lines) // pages), 1)
    return [lines[start : start + size] for start in range(0, len(lines), size)] or [[]]


def _gold(line: str) -> str:
    if line.startswith("| "):
        return " ".join(cell.strip() for cell in line.strip("| ").split("|"))
    return line.removeprefix("# ")


def _setters(lines: list[str]) -> dict[str, Callable[..., str]]:
    """How a layout sets the text: in elements of its own, or in lines that are broken."""

    def paras(
        begin: str = "<p>",
        end: str = "</p>",
        start: int = 0,
        stop: int | None = None,
        strong: tuple[str, str] = ("<strong>", "</strong>"),
        table: str = '<table border="1">',
        cell: tuple[str, str] = ("<td>", "</td>"),
    ) -> str:
        parts: list[str] = []
        inside = False
        for line in lines[start:stop]:
            is_row = line.startswith("| ")
            if is_row != inside:
                parts.append(f"{table}<tbody>" if is_row else "</tbody></table>")
                inside = is_row
            if is_row:
                cells = line.strip("| ").split("|")
                parts.append("<tr>" + "".join(f"{cell[0]}{text.strip()}{cell[1]}" for text in cells) + "</tr>")
            elif line.startswith("# "):
                parts.append(f"{begin}{strong[0]}{line[2:]}{strong[1]}{end}")
            else:
                parts.append(f"{begin}{line}{end}")
        return "\n".join([*parts, "</tbody></table>"] if inside else parts)

    def brs(indent: str = "　　", between: str = "<br><br>", start: int = 0, stop: int | None = None) -> str:
        return between.join(f"{indent}{_gold(line)}" for line in lines[start:stop])

    return {"paras": paras, "brs": brs}


class _Furniture:
    """What stands around an article, and a note of all that was put there."""

    def __init__(self, pick: random.Random) -> None:
        self.noise: list[str] = []
        self.optional: list[str] = []
        self._pick = pick
        self._between = pick.randint

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "noise": self._note,
            "optional": self._may_be,
            "news": self._news,
            "said": self._said,
            "menu": self._menu,
            "js": self._js,
            "css": self._css,
            "number": self._between,
        }

    def _note(self, text: str) -> str:
        self.noise.append(text)
        return text

    def _may_be(self, text: str) -> str:
        self.optional.append(text)
        return text

    def _news(self, count: int) -> list[str]:
        """Headlines of other articles."""
        return [self._note(text) for text in self._pick.sample(_furniture()["headlines"], count)]

    def _said(self, count: int) -> list[dict[str, str]]:
        """Readers' comments, with name and time."""
        return [
            {
                "name": self._pick.choice(_furniture()["names"]),
                "text": self._note(text),
                "time": f"2026-11-{self._between(24, 26)} {self._between(8, 21):02}:{self._between(10, 59)}",
            }
            for text in self._pick.sample(_furniture()["comments"], count)
        ]

    def _menu(self, count: int) -> list[str]:
        return _furniture()["menu"][:count]

    def _js(self, kilobytes: int) -> str:
        """Scripts, as pages carry them."""
        names = ("track", "render", "lazyload", "share", "player", "adslot", "stat", "login", "comment", "pv")
        lines = []
        while sum(map(len, lines)) < kilobytes * 1000:
            name = self._pick.choice(names)
            number = self._pick.randint(1000, 9999)
            lines.append(
                f'window.{name}_{number}=function(a,b){{if(a<b&&b>{number}){{document.getElementById("{name}{number}")'
                f'.innerHTML="<div class=\\"{name}\\">加载中，请稍候</div>";}}return a+b;}};'
            )
        return f"<script>{''.join(lines)}</script>"

    def _css(self, kilobytes: int) -> str:
        rules = []
        while sum(map(len, rules)) < kilobytes * 1000:
            rules.append(
                f".m{self._pick.randint(100, 999)} a:hover{{color:#c00;margin:0 {self._pick.randint(1, 40)}px}}"
            )
        return f"<style>{''.join(rules)}</style>"
