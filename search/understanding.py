"""What a query means beyond its letters: names of policies, words that mean the same, and words run together.

Everything here happens at search time, to the tree of the query, so that both engines find the same. A term typed in
quotes is left as it is. `understood` makes of each other term

- a name of a policy (title, 文号, alias): any of its names;
- a word with synonyms (`search/synonyms.txt`): any of them;
- several words run together (小区停车难怎么办): its words, all of which must be found anywhere;
- a word with a denial (没有回应): the word with any denial that says the same (没回应, 未回应, 无回应).

Where the words stand together or near each other, the document ranks higher.

`widened` gives, where that finds too little, queries that take compounds apart (环卫工人 is 环卫 near 工人), then ones
that ask for all words but one, and so on down to half of them, of two words for the longer first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import resources
from itertools import combinations
from typing import Any

from minsheng.policies import Policy
from search import analysis
from search.query import And, Near, Node, Not, Or, Sources, Term, joined

LONGEST_PHRASE = 8
"""Characters up to which words run together are also looked for as they stand."""

MOST_NEAR = 4
"""Words up to which standing near each other counts for the rank."""

LONGEST_WORD = 4
"""Characters up to which a synonym is one word where words run together."""

MOST_WORDS = 6
"""Of a query that is widened, the longest words count."""

ENOUGH = 10
"""Matches from which a query need not be widened."""

_DENYING = frozenset(("不", "没", "无", "未", "没有"))
_NOT_DONE = ("没有", "没", "未", "无")
"""Denials that say the same of what has not come about; 不合理 is not 没合理."""

SURE = 10_000
"""How frequent the words of `search/synonyms.txt` count as when words run together are cut: enough that 路灯不亮 holds
路灯, and too little to find 停工 in 停工资."""

_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]{4,}")
_ASKING_WORDS = (
    "的 了 吗 呢 吧 啊 呀 是 在 有 和 与 及 或 把 被 让 给 从 向 对 为 以 也 都 就 还 又 很 太 我 你 他 她 它 我们 "
    "你们 请 请问 问 怎么 怎么办 怎样 如何 为什么 为何 什么 啥 哪些 哪里 哪儿 哪个 多少 几 何时 时候 什么时候 有没有 "
    "能不能 可不可以 可以 是否 能否 关于 问题 情况 反映 投诉 咨询 求助 建议 要求 希望 一下 这个 那个 到底 究竟 "
    "相关 有关"
)
_ASKING = frozenset(_ASKING_WORDS.split())
"""Words that ask rather than tell what is looked for."""


class Vocabulary:
    """Names that mean the same.

    Parameters
    ----------
    groups:
        Each the names of one thing. A name in several groups stands for all of these.
    """

    def __init__(self, groups: Iterable[Sequence[str]]) -> None:
        self._names: dict[tuple[str, ...], list[str]] = {}
        for group in groups:
            names = [name for name in group if len(analysis.phrase(name)) > 1]
            for name in names:
                same = self._names.setdefault(analysis.phrase(name), [])
                same += [other for other in names if other not in same]

    @classmethod
    def of(cls, policies: Iterable[Policy] = ()) -> Vocabulary:
        """The names of these policies beside the synonyms that come with the program."""
        named = ((policy.title, *([policy.number] if policy.number else []), *policy.aliases) for policy in policies)
        return _vocabulary(tuple(named))

    def same(self, name: str) -> list[str]:
        """Other names of what has this name, without it."""
        units = analysis.phrase(name)
        return [other for other in self._names.get(units, ()) if analysis.phrase(other) != units]

    def names(self) -> list[str]:
        """Every name, once."""
        return list(dict.fromkeys(name for group in self._names.values() for name in group))


@lru_cache(maxsize=16)
def _vocabulary(named: tuple[tuple[str, ...], ...]) -> Vocabulary:
    """Kept for the few registers, and parts of them, that are searched in turn: thousands of names take a moment."""
    return Vocabulary([*named, *synonyms()])


@lru_cache(maxsize=1)
def synonyms() -> tuple[tuple[str, ...], ...]:
    """The groups of `search/synonyms.txt`."""
    lines = resources.files("search").joinpath("synonyms.txt").read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split()) for line in lines if line and not line.startswith("#"))


def understood(query: Node | None, vocabulary: Vocabulary) -> Node | None:
    """The query with each term as the module's text says; what stands under a NOT stays as typed."""
    if isinstance(query, Term):
        return _term(query, vocabulary)
    if isinstance(query, And | Or):
        parts = [understood(part, vocabulary) for part in query.parts]
        whole = joined(type(query), [part for part in parts if part is not None])
        if isinstance(query, And) and whole is not None:
            return _near([part for part in query.parts if isinstance(part, Term)], whole)
        return whole
    return query


def _term(term: Term, vocabulary: Vocabulary) -> Node:
    names = vocabulary.same(term.text)
    if names and (not term.exact or any(char.isdigit() for char in term.text)):
        return Or((term, *(Term(name, term.field, exact=True) for name in names)))
    if term.exact:
        return term
    words = _words(term.text)
    if len(words) < 2:
        return term if not words else _one(Term(words[0], term.field), vocabulary)
    together = And(tuple(_one(Term(word, term.field), vocabulary) for word in words))
    if len(term.text) <= LONGEST_PHRASE:
        return Or((Term(term.text, term.field, exact=True), together))
    return _near([Term(word, term.field) for word in words], together)


def _near(terms: Sequence[Term], together: Node) -> Node:
    """`together`, in which documents rank higher that hold the terms near each other."""
    if not 2 <= len(terms) <= MOST_NEAR:
        return together
    if any(term.field != "any" or len(analysis.phrase(term.text)) < 2 for term in terms):
        return together  # a single character stands near everything
    return Or((Near(tuple(terms)), together))


def _one(term: Term, vocabulary: Vocabulary) -> Node:
    names = [*vocabulary.same(term.text), *_denied(term.text)]
    return Or((term, *(Term(name, term.field, exact=True) for name in names))) if names else term


def _denied(word: str) -> list[str]:
    """The same with other denials."""
    denial = next((denial for denial in _NOT_DONE if word.startswith(denial)), "")
    rest = word.removeprefix(denial)
    if not denial or len(rest) < 2:
        return []
    return [other + rest for other in _NOT_DONE if other != denial]


def _words(text: str) -> list[str]:
    """The words of a text without spaces that say what is looked for; the text itself where it is one word."""
    if not _HAN_RUN.search(text):
        return [text]
    found = _paired([word for word in _cutter().cut("".join(text.split())) if analysis.phrase(word)])
    for place in range(len(found) - 2, -1, -1):
        if found[place] in _DENYING:  # says the opposite of the word after it, and nothing alone
            found[place : place + 2] = [found[place] + found[place + 1]]
    telling = [word for word in found if word not in _ASKING]
    return list(dict.fromkeys(telling)) if telling else [text]


@lru_cache(maxsize=1)
def _cutter() -> Any:
    """Cuts text into words, knowing our synonyms."""
    import rjieba  # here, as its dictionary takes a moment that other commands need not wait

    cutter = rjieba.Jieba()
    for name in (name for group in synonyms() for name in group if len(name) <= LONGEST_WORD):
        cutter.add_word(name, SURE, "n")
    return cutter


def _paired(words: Sequence[str]) -> list[str]:
    """Two single characters beside each other (加, 分) made the one word that they are, unless one asks or denies."""
    found: list[str] = []
    open_single = False
    for word in words:
        single = _HAN.fullmatch(word) is not None and word not in _ASKING and word not in _DENYING
        if single and open_single:
            found[-1] += word
        else:
            found.append(word)
        open_single = single and not open_single
    return found


def widened(query: Node | None) -> list[Node]:
    """Wider and wider queries, each of which finds all that the one before does; none where nothing can be left out.

    What was typed in quotes, sources, and what is excluded stay conditions.
    """
    required, kept = _parts(query)
    if query is None or not required:
        return []
    required = sorted(required, key=_length, reverse=True)[:MOST_WORDS]
    apart = [_apart(part) for part in required]
    wider: list[Node] = []
    narrower = query  # what it finds counts again in each wider query, and so comes first
    if apart != required:
        narrower = Or((narrower, _all([*apart, *kept])))
        wider.append(narrower)
    if len(apart) == 2 and _length(required[0]) > _length(required[1]):
        narrower = Or((narrower, _all([apart[0], *kept])))
        wider.append(narrower)
    for least in range(len(apart) - 1, max(1, (len(apart) + 1) // 2) - 1, -1):
        some = joined(Or, [_all(parts) for parts in combinations(apart, least)])
        assert some is not None
        wider.append(Or((narrower, _all([some, *kept]))))
    return wider


def _apart(node: Node) -> Node:
    """The query, with compounds also found where their words stand near each other."""
    if isinstance(node, Term):
        words = [] if node.exact or node.field != "any" else _compound(node.text)
        return Or((node, Near(tuple(Term(word) for word in words)))) if words else node
    if isinstance(node, And | Or):
        whole = joined(type(node), [_apart(part) for part in node.parts])
        assert whole is not None
        return whole
    return node


def _compound(word: str) -> list[str]:
    """The two different words that a word of four characters is put together of; else none."""
    if not _HAN_RUN.fullmatch(word):
        return []
    words = [part for part in _cutter().cut_for_search(word) if len(part) == 2]
    return words if len(set(words)) == 2 and "".join(words) == word else []


def chosen(query: Node | None, count: Callable[[Node], int], enough: int = ENOUGH) -> tuple[Node | None, bool]:
    """The narrowest of the query and what it is widened to that finds enough; else the one that finds most.

    Parameters
    ----------
    count:
        How many documents a query finds, within what the person may see.

    Returns
    -------
    The query to search by, and whether it is a widened one.
    """
    wider_ones = widened(query)
    if query is None or not wider_ones:  # a single word, mostly: nothing need be counted
        return query, False
    best, found = query, count(query)
    for wider in wider_ones if found < enough else ():
        more = count(wider)
        if more > found:
            best, found = wider, more
        if found >= enough:
            break
    return best, best is not query


def enough_for(sort: str) -> int:
    """Matches from which a search in this order need not be widened.

    Where the best do not come first, what matches less would stand among the rest: then one is enough.
    """
    return ENOUGH if sort == "relevance" else 1


def _all(parts: Sequence[Node]) -> Node:
    node = joined(And, parts)
    assert node is not None
    return node


def _parts(query: Node | None) -> tuple[list[Node], list[Node]]:
    """The parts of which some may be left out, and those that must hold."""
    if query is None:
        return [], []
    if isinstance(query, Or):
        together = [part for part in query.parts if isinstance(part, And)]
        if len(query.parts) == 2 and len(together) == 1 and isinstance(query.parts[0], Term | Near):
            return _parts(together[0])  # beside what ranks those higher in which the words stand together
        return [query], []
    if isinstance(query, And):
        required: list[Node] = []
        kept: list[Node] = []
        for part in query.parts:
            some, conditions = _parts(part)
            required += some
            kept += conditions
        return required, kept
    if isinstance(query, Not | Sources) or (isinstance(query, Term) and query.exact):
        return [], [query]
    return [query], []


def _length(node: Node) -> int:
    if isinstance(node, Term):
        return len(node.text)
    return max((_length(part) for part in node.parts), default=0) if isinstance(node, And | Or) else 0
