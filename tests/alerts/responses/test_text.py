"""What the texts alone tell of a response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.responses.answers import answers_to
from alerts.responses.demands import Asked, demands_of
from alerts.responses.grade import Evaluation, combine, evaluate_text
from alerts.responses.outcome import outcome_of
from alerts.responses.substance import body_of, statements
from alerts.responses.wording import copied_share, wording_of

POST = Asked(
    title="投诉翠湖路夜间施工噪声扰民",
    text="翠湖路地铁工地每天夜里十二点以后还在打桩，小区老人孩子睡不着。请问夜间施工有没有许可证？希望尽快停止夜间打桩。",
    document_id="a",
)
GOOD = (
    "您好！您的留言已收悉。经区城管局5月3日夜间现场核查，翠湖路地铁工地当晚打桩施工属实，未办理夜间施工许可证。"
    "城管局已责令施工单位立即停止夜间打桩，并依据《噪声污染防治法》第七十七条立案处罚。"
    "5月6日至8日连续三晚复查，工地夜间未再施工。如再发现夜间施工，请拨打12345热线。感谢您的监督！2026年5月9日"
)
PASSED_ON = "您好！您反映的问题已收悉，已转交有关部门调查处理，如有情况将及时反馈，谢谢！"
BEAUTIFUL = (
    "您好！我局高度重视，将进一步加强统筹，深入推进精细化管理，切实保护群众利益，不断提升服务水平，"
    "大力营造和谐宜居环境，全面落实常态化长效机制。感谢您的关心和支持！"
)


def evaluation(reply: str, *posts: Asked, documents: tuple[str, ...] = ()) -> Evaluation:
    parts, answers = evaluate_text(posts or (POST,), reply, documents)
    return combine(parts, answers)


def score(found: Evaluation, name: str) -> float:
    value = next(part.score for part in found.parts if part.name == name)
    assert value is not None
    return value


def test_a_concrete_answer_is_good_and_a_hollow_one_is_not() -> None:
    good, passed_on, beautiful = evaluation(GOOD), evaluation(PASSED_ON), evaluation(BEAUTIFUL)
    assert good.grade == "good" and good.well and good.unanswered == ()
    assert passed_on.grade == "poor" and not passed_on.well
    assert beautiful.grade == "poor"
    assert len(passed_on.unanswered) == len(beautiful.unanswered) == 3
    assert score(good, "substance") > 0.7 > 0.4 > score(beautiful, "substance")


def test_the_demands_are_questions_and_wishes_not_the_story() -> None:
    demands = demands_of([POST])
    assert {demand.text for demand in demands} == {
        "投诉翠湖路夜间施工噪声扰民",
        "请问夜间施工有没有许可证？",
        "希望尽快停止夜间打桩。",
    }


def test_what_many_ask_for_comes_first_and_once() -> None:
    other = Asked(title="", text="水价怎么涨了这么多？翠湖路夜间施工噪声扰民，请求处理。", document_id="b")
    third = Asked(title="举报翠湖路夜间施工噪声扰民", text="", document_id="c")
    demands = demands_of([POST, other, third])
    assert demands[0].asked == 3 and "翠湖路夜间施工" in demands[0].text
    assert sum("夜间施工噪声" in demand.text for demand in demands) == 1
    assert any("水价" in demand.text for demand in demands)


def test_courtesy_asks_for_nothing() -> None:
    assert demands_of([Asked(text="尊敬的领导您好，希望有关部门重视，谢谢！")]) == []
    assert demands_of([]) == []
    found = evaluation(GOOD, Asked(text=""))
    assert next(part.score for part in found.parts if part.name == "answered") is None
    assert found.score > 0


def test_one_of_two_questions_is_left_open() -> None:
    post = Asked(text="居民阶梯水价的第二档从多少吨开始？一户五口人怎么申请增加水量基数？")
    found = evaluation("您好！阶梯水价第二档从每户每年181吨开始，单价为3.5元每吨。感谢您的关注！", post)
    assert found.unanswered == ("一户五口人怎么申请增加水量基数？",)


def test_saying_the_question_again_answers_nothing() -> None:
    again = "您好！您反映的“投诉翠湖路夜间施工噪声扰民”的问题已收悉。我们会认真研究。"
    assert all(answer.score < 0.3 for answer in answers_to(demands_of([POST]), again))


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (GOOD, "settled"),
        (PASSED_ON, "put off"),
        ("您好！留言已收悉。", "nothing"),
        ("您好！翠湖路夜间打桩因抢修供水管需要，预计6月15日前完成，此后夜间不再施工。", "scheduled"),
        ("您好！翠湖路夜间施工经批准，暂不能停止，不具备改到白天的条件。", "refused"),
    ],
)
def test_what_came_of_it(reply: str, outcome: str) -> None:
    demands = [demand for demand in demands_of([POST]) if "请问" not in demand.text]
    assert outcome_of(statements(reply), answers_to(demands, reply)) == outcome


def test_greeting_thanks_and_signature_are_no_body() -> None:
    assert body_of(PASSED_ON).startswith("您反映的") or "转交" in body_of(PASSED_ON)
    assert body_of("网友：您好！留言已收悉。感谢您的支持！2026年5月9日") == ""
    assert statements("") == []


def test_cold_words_slogans_and_copies_are_noticed() -> None:
    cold = wording_of("你好，此事与我局无关，请自行解决，不予答复。")
    assert not cold.courteous and len(cold.cold) >= 3 and cold.score < 0.6
    assert len(wording_of(BEAUTIFUL).slogans) >= 4
    law = (
        "用水户对水表计量有异议的，可以申请法定计量检定机构检定，检定费用由责任方承担，检定期间按上月用水量预收水费。"
        * 2
    )
    copied = wording_of(f"您好！{law}感谢您！", [law])
    assert copied.copied > 0.9 and copied.score < wording_of(f"您好！{law}感谢您！").score
    assert copied_share("水表计量有异议", [law]) == 0.0


def test_the_score_sheet_counts_half() -> None:
    found = evaluation(GOOD)
    assert combine(found.parts, sheet=0.0).score == pytest.approx(found.score / 2, abs=0.001)
    assert combine(found.parts, sheet=1.0).score == pytest.approx((1 + found.score) / 2, abs=0.001)


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_gets_a_score(asked: str, reply: str) -> None:
    found = evaluation(reply, Asked(text=asked, title=asked[:20]))
    assert 0 <= found.score <= 1
    assert all(part.score is None or 0 <= part.score <= 1 for part in found.parts)


def test_long_texts_are_read_to_a_limit() -> None:
    found = evaluation("经查，" * 2_000_000, Asked(text="请问？" * 2_000_000))
    assert 0 <= found.score <= 1
