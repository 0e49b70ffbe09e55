"""Search by meaning, clauses, figures, suggestions, contradictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import docx
import numpy as np
import pytest

from answers.book import AnswerBook
from answers.clauses import canonical, clauses_of, numeral
from answers.contradictions import check, compare
from answers.encoding import Encoded, TextEncoder, encoder, likeness, likenesses, windows
from answers.figures import statement_of
from answers.finding import Finder, Sought
from answers.search import AnswerSearch
from answers.suggestion import suggest
from answers.texts import PolicyText, PolicyTexts, read_file
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.store import Store
from tests.answers.conftest import TEXT, WATER, content, publish
from training.answer_scores import measures, questions, sample_answers

WATER_TEXT = PolicyText(policy="water", origin="file", text=TEXT, clauses=tuple(clauses_of(TEXT)))


def test_the_right_answer_is_among_the_first_three() -> None:
    found = measures(Finder(sample_answers(), encoder()), [one for one in questions() if one.half == "report"])
    assert found["recall_at_3"] >= 0.9
    assert found["declined"] >= 0.65
    assert found["answered"] >= 0.65


def test_the_questions_are_enough_and_each_points_at_an_answer_or_none() -> None:
    asked, known = questions(), {one.id for one in sample_answers()}
    assert {one.entry for one in asked} - known == {""}
    assert sum(bool(one.entry) for one in asked) >= 150
    assert sum(not one.entry for one in asked) >= 40
    assert len({one.text for one in asked}) == len(asked)


def test_a_text_has_the_same_vectors_in_any_company() -> None:
    alone = encoder().encode(["水费多收了怎么退"])[0]
    among = encoder().encode(["停车", "水费多收了怎么退", "", "公积金" * 90])[1]
    assert np.array_equal(alone.tokens, among.tokens)
    assert float(alone.weights.sum()) == pytest.approx(1)


def test_texts_of_any_length_and_none_can_be_found_in() -> None:
    texts = [
        Sought("empty", ""),
        Sought("signs", "！？……"),
        Sought("rare", "𠮷㐂镇的水费"),
        Sought("long", "停车收费。" * 3000),
    ]
    finder = Finder(texts, encoder())
    assert finder.find("𠮷㐂镇水费怎么收").matches[0].id == "rare"
    assert not finder.find("").answered
    assert finder.find("", size=1).matches == ()
    assert Finder([], encoder()).find("水费").matches == ()
    assert sum(map(len, windows("停车收费。" * 3000))) == 800


def test_search_says_no_and_shows_flags(book: AnswerBook, store: Store, clock: ManualClock) -> None:
    publish(book, "a-1")
    publish(
        book, "b-1", title="停水通知", question="停水前会通知吗？", answer="会提前一天通知。", clauses=(), keywords=()
    )
    search = AnswerSearch(store, clock)
    found = search.ask("自来水公司多收了我的水费，怎么退？")
    assert found.answered
    assert found.hits[0].entry.id == "a-1"
    assert not search.ask("护照丢了怎么补办").answered
    book.withdraw("a-1", actor="li", note="有误")
    assert [hit.entry.id for hit in search.ask("多收了水费").hits] == ["b-1"]
    with pytest.raises(WrongUse, match="empty"):
        search.ask("  ")


def test_clauses_are_read_as_they_are_cited() -> None:
    assert [one.label for one in WATER_TEXT.clauses] == [
        "",
        "第一条",
        "第五条",
        "第八条",
        "第八条（一）",
        "第八条（二）",
        "第十四条",
    ]
    for label in ("第14条", "十四条", "第 十四 条", "第十四条第一款"):
        found = WATER_TEXT.clause(label)
        assert found is not None, label
        assert found.label == "第十四条"
    assert WATER_TEXT.clause("第九条") is None
    assert WATER_TEXT.clause("") is None
    assert (numeral(10), numeral(14), numeral(103), numeral(110), canonical("二、")) == (
        "十",
        "十四",
        "一百零三",
        "一百一十",
        "二",
    )


def test_figures_are_the_same_in_any_spelling() -> None:
    assert statement_of("五个工作日").values == statement_of("5个工作日").values == {"工作日": frozenset({5.0})}
    assert statement_of("百分之六十").values == statement_of("60%").values
    assert statement_of("2万元").values == statement_of("20000元").values
    assert statement_of("三分之二").values["%"] == frozenset({66.666667})
    assert statement_of("根据《办法》（云发〔2026〕3号）第十四条、2026年的规定").values == {}
    assert (statement_of("可以。").says, statement_of("不可以").says, statement_of("水费按年算").says) == (
        "yes",
        "no",
        None,
    )


def test_answers_that_contradict_one_another_are_found_and_like_ones_with_other_questions_are_not(
    book: AnswerBook,
) -> None:
    publish(book, "a-1")
    publish(book, "a-2", question="水费多收了怎么处理？", answer="多收的水费10个工作日内退还。")
    publish(book, "a-3", title="现金缴费", question="可以用现金缴水费吗？", answer="可以，窗口收现金。")
    publish(book, "a-4", title="现金缴费", question="缴水费可以用现金吗？", answer="不可以，只能扫码。")
    found = compare(book.all())
    assert [(one.kind, one.entries) for one in found] == [
        ("contradiction", ("a-1", "a-2")),
        ("contradiction", ("a-3", "a-4")),
    ]
    assert found[0].words == "数值不同：5工作日 / 10工作日"
    publish(book, "a-5", question="水费多收了，怎么办？")
    assert ("duplicate", ("a-1", "a-5")) in [(one.kind, one.entries) for one in compare(book.all())]


def test_an_answer_may_state_only_what_its_clause_does() -> None:
    assert check(content(), WATER_TEXT) == []
    assert check(content(answer="10个工作日内退还"), WATER_TEXT) == ["原文没有 10工作日"]
    assert check(content(clauses=("第五条",)), WATER_TEXT) == ["5工作日 不在所引条款中"]
    assert check(content(clauses=("第九条",), answer="退还"), WATER_TEXT) == ["政策原文中没有第九条"]


def test_a_draft_quotes_the_text_word_for_word() -> None:
    found = suggest("水费多收了几天退", WATER, WATER_TEXT)
    assert found.good
    assert found.passages[0].clause == "第十四条"
    assert all(one.quotation in TEXT.replace("\n", "") for one in found.passages)
    assert found.content.answer == (
        "根据《居民用水阶梯价格办法》（云发〔2026〕3号）第十四条：“因供水企业原因多收的水费，应当自核实之日起5个工作日内退还。”"
    )
    assert check(found.content, WATER_TEXT) == []
    assert not suggest("护照怎么办理", WATER, WATER_TEXT).good


def test_policy_texts_are_kept_from_files(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    file = tmp_path / "办法.docx"
    document = docx.Document()
    for line in TEXT.split("\n"):
        document.add_paragraph(line)
    document.save(str(file))
    texts = PolicyTexts(store, clock)
    assert texts.of(WATER) is None
    texts.keep(WATER, read_file(file), origin=file.name, actor="wang")
    kept = texts.of(WATER)
    assert kept is not None
    assert [one.label for one in kept.clauses] == [one.label for one in WATER_TEXT.clauses]
    assert "5个工作日" in kept.clauses[-1].text
    with pytest.raises(WrongUse, match="not read"):
        read_file(Path("a.pages"))
    (tmp_path / "b.pdf").write_bytes(b"nothing")
    with pytest.raises(WrongUse, match=r"b\.pdf can't be read"):
        read_file(tmp_path / "b.pdf")


def test_many_texts_are_compared_as_one_by_one() -> None:
    texts = ["低保户取暖有没有补贴？", "", "困难家庭冬天供暖给补钱吗", "护照丢了怎么补办", "…", "取暖补贴怎么申请"]
    encoded = encoder().encode(texts)
    for place, found in enumerate(likenesses(encoded)):
        assert found.tolist() == pytest.approx([likeness(encoded[place], one) for one in encoded[:place]], abs=1e-5)
    assert list(likenesses([])) == []


def test_a_question_that_is_asked_again_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    encode = TextEncoder.encode

    def counted(self: TextEncoder, texts: Sequence[str]) -> list[Encoded]:
        asked.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(TextEncoder, "encode", counted)
    finder = Finder([Sought("a", "水费多收了怎么退"), Sought("b", "孩子怎么报名上学")], encoder())
    del asked[:]
    first = finder.find("多收的水费能退吗", size=2)
    assert finder.find("多收的水费能退吗", size=2) == first and asked == ["多收的水费能退吗"]
    among = finder.find("多收的水费能退吗", among={"b"})
    assert [one.id for one in among.matches] == ["b"] and len(asked) == 1
    assert finder.find("").matches == finder.find("").matches == ()
