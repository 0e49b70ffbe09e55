"""Single traps of the extraction: what a rule must not take away, and what it must not let through."""

from __future__ import annotations

import json
import random
import re
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from benchmarks.extraction_pages import load_pages
from crawlers.charset import decode
from crawlers.extraction import NoArticle, extract, join
from crawlers.markup import parse_html
from crawlers.outline import outline
from crawlers.paging import joined_text, next_page_of
from minsheng.clock import CHINA
from tests.crawlers.scenes import BODY
from tests.shared_data import shared_data

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
TITLE = "水费重复扣收核查进展公布"
INFO = "<div class=info>2026-11-23 12:30　来源：云江晚报</div>"


def page(
    *paragraphs: str, before: str = "", behind: str = "", around: str = "div class=con", title: str = TITLE
) -> str:
    text = "".join(f"<p>{one}</p>" for one in paragraphs or BODY)
    return (
        f"<html><head><title>{title}_云江网</title></head><body>{before}<h1>{title}</h1>{INFO}"
        f"<{around}>{text}</{around.split()[0]}>{behind}</body></html>"
    )


def lines_of(html: str, url: str = "http://h/a.html") -> list[str]:
    return extract(html, url, NOW).text.split("\n")


@pytest.mark.parametrize(
    "sentence",
    [
        "未经批准，任何单位和个人不得擅自改变土地用途，不得使用未经检验的计量器具。",
        "如发现违法行为，可以拨打12345举报，有关部门将依法处理并负责答复。",
        "市民可以关注“云江水务”公众号，在菜单里查询账单，也可以到营业厅办理，三个工作日之内办结。",
        "外交部发言人在声明中说：中方对此表示严重关切。",
        "来源：云江市统计局2026年三季度数据；口径与上年同期一致，绝对数按现价计算，增速按不变价格计算。",
        "记者在采访中发现，不少网站的版权页没有写明联系方式，读者想投诉也找不到门。",
        "他编辑：“这句话删掉。”说完又改了主意。",
        "上一篇报道刊发以后，市水务集团连夜开会，第二天一早就派人上门核查。",
        "责任编辑这个岗位，今年全市新聘了四十人，主要充实到县级融媒体中心。",
        "抄送多少单位不是办文质量，答复里有没有把话说清楚才是，督查室今后只看后一条。",
        "联系电话：0999-5550123",
        "记者：这次核查的背景是什么？",
        "记者：这么说，个人不用再跑腿。",
        "初审：街道办事处5日内完成初审。",
        "信息录入：登录平台填写企业信息；",
        "您觉得新规定对小微企业有帮助吗？",
        "下列门诊在上述时间内停诊，请合理安排就诊时间：",
        "本文共分三章，约一万二千字，是全省第一部专论水价的调研报告。",
    ],
)
def test_sentences_of_the_matter_stay(sentence: str) -> None:
    assert sentence in lines_of(page(BODY[0], sentence, BODY[1], BODY[2]))


@pytest.mark.parametrize(
    "line",
    [
        "责任编辑：老周",
        "（责编：周明、李芳）",
        "[ 责编：王宏泽 ]",
        "【编辑:叶攀】",
        "编辑丨小云 校对丨阿江",
        "扫一扫在手机打开当前页",
        "【打印】 【关闭】",
        "分享到：",
        "本文来源：云江晚报 责任编辑：化成雨_NB1143",
        "特别声明：以上内容为自媒体平台用户上传并发布，本平台仅提供信息存储服务。",
        "版权声明：未经授权，不得转载本网稿件。",
        "海量资讯、精准解读，尽在云江财经APP",
        "返回云江，查看更多",
        "原标题：水费重复扣收",
        "上一篇：没有了",
        "关键词：水费 核查",
        "点击展开全文",
        "记者：秦小满　通讯员：何满仓",
        "三审：郑海涛",
        "— THE END —",
        "点击上方“岚阳发布”关注我们，设为星标不迷路",
        "满意度评价：非常满意 满意 基本满意 不满意",
        "图片：云江图库已获授权",
        "主题词：城乡建设 供水 通知",
        "抄送：省委各部门，省人大常委会办公厅，省政协办公厅，省法院，省检察院，各民主党派省委。",
        "云江省人民政府办公厅　2026年11月20日印发",
        "视频简介：",
        "〔关键词〕水费；核查",
        "（作者单位：云江市委党校）",
        "特别说明：由于情况不断变化，云江网所提供的所有信息仅供参考。",
        "你家的水费对得上吗？欢迎在评论区说说！",
        "推荐阅读：<a href=/1>城区三座立交桥本月底通车</a>",
        "芝麻糊糊于 2026-11-24 07:55 最后编辑",
        "来源 / 云江都市报综合 编辑 / 苏苏",
        "围观 276赞 14",
        "您觉得这篇解读对您有帮助吗？",
        "您对该回复：满意(12) 一般(1) 不满意(3)",
        "IP已记录备查",
        "文章录入：zrzy_dhg01 责任编辑：zrzy_admin",
        "打开网易门新闻 体验效果更佳",
        "展开全部内容",
        "大 中 小",
        "全文共486字，阅读大约需要1分钟",
        "本文约1200字 | 阅读约4分钟",
        "云江水务(600999)4.31+1.17%",
        "（下载云江新闻，报料有奖！）",
        "云江新闻记者 姚迟 实习生 白鹭",
        "00:00/01:23 倍速 高清",
        "图文｜预防保健科　编辑｜宣传科",
        "本文仅作健康科普，不能替代医生诊疗。",
        "（扫描下方二维码可查看手机版）",
    ],
)
def test_lines_of_the_page_go(line: str) -> None:
    assert lines_of(page(*BODY, line)) == list(BODY)


def test_a_label_beside_an_editors_is_one_of_the_page() -> None:
    assert lines_of(page(*BODY, "资料：市民政局、市交通运输局", "编辑：阿岸")) == list(BODY)
    assert lines_of(page(*BODY, "资料：申请书、户口簿"))[-1] == "资料：申请书、户口簿"
    assert lines_of(page(*BODY, "联系电话：0999-5550123", "编辑：阿岸"))[-1] == "联系电话：0999-5550123"


def test_an_office_that_signs_like_a_reporter_stays() -> None:
    for office in ("图书馆", "记者协会", "摄影家协会"):
        assert lines_of(page(*BODY, office))[-1] == office


def test_a_heading_over_nothing_goes() -> None:
    asked = "<strong>互动话题</strong></p><p>遇到过这样的电话吗？评论区聊聊"
    assert lines_of(page(*BODY, asked)) == list(BODY)
    assert lines_of(page(*BODY, "<strong>未完待续</strong>"))[-1] == "未完待续"


def test_a_box_that_the_text_flows_around_goes() -> None:
    box = "<table align=right><tr><td><p><b>编读往来</b></p><p>您家里有什么好做法？欢迎来信。</p></td></tr></table>"
    text = "</p>".join((f"<p>{BODY[0]}", f"{box}<p>{BODY[1]}", f"<p>{BODY[2]}", ""))
    html = page("x").replace("<p>x</p>", text)
    assert lines_of(html) == list(BODY)
    data = "<table align=right><tr><td>粳米</td><td>2.86</td></tr><tr><td>鸡蛋</td><td>5.31</td></tr></table>"
    found = lines_of(html.replace(box, data))
    assert "粳米 2.86" in found and "鸡蛋 5.31" in found


def test_office_and_day_under_a_title_are_the_documents() -> None:
    assert lines_of(page("云江市统计局　云江调查队", "2026年3月18日", *BODY))[:2] == [
        "云江市统计局 云江调查队",
        "2026年3月18日",
    ]


def test_what_is_said_of_a_question_stands_with_its_answer() -> None:
    asked = "父亲上个月去世，听说账户里没领完的钱可以继承，是不是真的？"
    about = f"<div class=ask><h1>{TITLE}</h1><div class=q>{asked}</div></div>"
    answer = "".join(f"<p>{one}</p>" for one in BODY)
    html = (
        f"<html><title>{TITLE}_知道</title><body><div>{about}<div class=best><b>老陈</b><span>2026-11-20</span>"
        f"<div class=text>{answer}</div></div><div class=more><h2>{{}}</h2><p>不知道。</p></div></div></body></html>"
    )
    assert lines_of(html.format("其他回答（2）")) == [asked, *BODY]
    assert asked not in lines_of(html.format("其他"))


def test_what_an_account_says_of_itself_below_goes() -> None:
    house = "医院始建于1958年，是一所集医疗、教学、科研、预防为一体的二级甲等中医医院。"
    assert lines_of(page(*BODY, "—— 医院简介 ——", house, "急诊电话：0999-5550120")) == list(BODY)
    assert lines_of(page("—— 展览介绍 ——", *BODY))[-3:] == list(BODY)


def test_a_card_with_a_button_in_the_text_goes() -> None:
    card = "<div class=card><img src=a><b>祁连舟 主任医师</b><p>儿科 擅长：小儿呼吸</p><a href=/1>预约挂号</a></div>"
    html = page("x").replace("<p>x</p>", f"<p>{BODY[0]}</p>{card}<p>{BODY[1]}</p><p>{BODY[2]}</p>")
    assert lines_of(html) == list(BODY)


def test_fields_in_boxes_behind_a_sentence_stay() -> None:
    lines = [
        "中标结果公布如下，公示期为三个工作日，有异议的可以书面提出：",
        "中标人：云江路安公司",
        "中标价：12万元",
        "2026年11月20日",
    ]
    boxes = "".join(f"<div style='text-indent:2em'>{line}</div>" for line in lines)
    assert lines_of(page("x").replace("<p>x</p>", f"<div>{boxes}</div>")) == lines


@pytest.mark.parametrize("length", [1, 6])
def test_posts_in_tables_that_a_forum_names_are_a_thread(length: int) -> None:
    post = "<table class=post><tr><td>{}</td><td><div>{}</div>{}</td></tr></table>"
    first = post.format("老李", "2026-11-22 20:33", f"<h3>{TITLE}</h3><p>{'<br>'.join(BODY * length)}</p>")
    others = "".join(
        post.format(name, f"2026-11-23 1{n}:0{n}", "已经收到退款了，效率还可以，就是等得久。")
        for n, name in enumerate(("momo", "老街坊", "望湖"))
    )
    found = lines_of(f"<html><title>{TITLE} 云江社区</title><body><div>{first}{others}</div></body></html>")
    assert found == list(BODY)


def test_the_name_and_slogan_of_an_account_go() -> None:
    banner = "<section><img src=a><p>立德 启智 强体</p></section>"
    banner += "<section><section>云江晚报</section><section>陪着您</section></section>"
    text = "".join(f"<section><p>{one}</p></section>" for one in BODY)
    html = page("x", before="").replace(INFO, "<div><a>云江晚报</a></div>").replace("<p>x</p>", f"{banner}{text}")
    assert lines_of(html) == list(BODY)
    heading = "<section><p><strong>一桩小事</strong></p></section>"
    assert lines_of(html.replace(banner, heading))[0] == "一桩小事"


@pytest.mark.parametrize(
    "box",
    [
        "<form><input name=u><input type=password name=p><a>找回密码</a></form>",
        "<div>我要评论：注册用户请登录，匿名发表请遵守规定</div>",
    ],
)
def test_a_short_notice_on_a_site_that_lets_readers_log_in(box: str) -> None:
    said = "因线路检修，明天8时至17时石罗镇、黄坪乡停电，请做好准备。"
    assert lines_of(page(said, before=box)) == [said]


def test_a_text_that_asks_for_a_login_to_read_on_is_none() -> None:
    with pytest.raises(NoArticle) as told:
        extract(
            page("阶梯水价实行以后，用水大户的账单涨了多少？", behind="<p>请登录后阅读全文</p>"), "http://h/a.html", NOW
        )
    assert told.value.obstacle == "login"


def test_an_answer_keeps_its_number_and_whom_it_is_to() -> None:
    answer = ["云水函〔2026〕41号", "尹兆丰代表：", f"您提出的建议收悉，现答复如下：{BODY[0]}", *BODY[1:]]
    lead = "<div class=summary>四十七个小区的供水设施已经移交完毕。</div>"
    text = "".join(f"<p>{one}</p>" for one in answer)
    html = page("x").replace("<p>x</p>", f"{lead}<div class=text>{text}</div>")
    assert lines_of(html)[-len(answer) :] == answer


@pytest.mark.parametrize("mark", ["", " class=row"])
def test_an_answer_of_several_lines_in_boxes_of_one_kind_is_whole(mark: str) -> None:
    lines = [BODY[0], f"您好，您反映的问题已收悉。{BODY[1]}{BODY[1]}", BODY[2]]
    boxes = "".join(f"<div{mark}>{line}</div>" for line in lines)
    assert lines_of(page("x").replace("<p>x</p>", boxes)) == lines


def test_a_small_table_between_boxes_of_text_stays() -> None:
    table = "<table><tr><td>柳堤村</td><td>8.11</td></tr><tr><td>大桥村</td><td>6.00</td></tr></table>"
    boxes = [f"<div class=row>{one}</div>" for one in BODY]
    found = lines_of(page("x").replace("<p>x</p>", f"{boxes[0]}{boxes[1]}{table}{boxes[2]}"))
    assert found == [BODY[0], BODY[1], "柳堤村 8.11", "大桥村 6.00", BODY[2]]


def test_a_list_that_is_all_of_the_text_is_not_cut_by_its_source() -> None:
    rows = [["序号", "姓名", "单位", "受伤部位", "鉴定日期"]]
    rows += [[str(n), "贺＊", f"临湖市环卫服务公司第{n}分公司", "右膝", "12月3日"] for n in range(1, 5)]
    html = page("x").replace("<p>x</p>", f"{table_of(rows)}<p>（来源：青桐分局）</p>")
    assert lines_of(html)[: len(rows)] == list(map(" ".join, rows))
    said = "".join(f"<div class=said><b>网友{n}</b><p>又是这一套，听了好几年了。</p></div>" for n in range(3))
    assert lines_of(html.replace("</body>", f"{said}</body>"))[: len(rows)] == list(map(" ".join, rows))


def test_text_goes_on_behind_links_in_between() -> None:
    links = "延伸阅读</p><p><a href=/1>城区三座立交桥本月底通车</a></p><p><a href=/2>冬季供暖热线接听九千次</a>"
    assert lines_of(page(BODY[0], links, BODY[1], BODY[2])) == list(BODY)


def test_the_heading_of_links_goes_with_them() -> None:
    links = "这些也值得一看</p><p><a href=/1>城区三座立交桥本月底通车</a></p><p><a href=/2>冬季供暖热线接听九千次</a>"
    assert lines_of(page(BODY[0], links, BODY[1], BODY[2])) == list(BODY)


@pytest.mark.parametrize(
    "part",
    [
        "<p>电话：0999</p>",
        "<a href=/1>城区三座立交桥</a>",
        "<div class=g><p>去看看</p><p>云江</p></div>",
        "<h1>警情通报</h1>",
    ],
)
def test_pages_of_many_such_lines_end_soon(part: str) -> None:
    html = page().replace(f"{BODY[-1]}</p>", f"{BODY[-1]}</p><div class=svc>{part * 15_000}</div>")
    begun = time.process_time()
    extract(html, "http://h/a.html", NOW)
    assert time.process_time() - begun < 10


def test_steps_of_a_messages_way_go_with_who_took_them() -> None:
    step = "<div class=step><div><h4>云江市城市管理局信访室</h4><i>2026-11-18 09:02</i></div><p>{}</p></div>"
    html = page(behind=step.format("您的留言已转交云江市城市管理局办理。"), around="div class=con")
    assert lines_of(html.replace("<div class=con>", "<div class=all><div class=con>")) == list(BODY)
    said = "您的留言已转交云江市城市管理局办理，该局于次日派人到现场核查。核查情况如下。"
    assert said in lines_of(page(*BODY, said))


def test_an_answer_that_is_called_as_readers_are_stays() -> None:
    answer = ("市民您好！您反映的问题已收悉，经核实，现答复如下：", *BODY[1:])
    paragraphs = "".join(f"<p>{one}</p>" for one in answer)
    replies = f"<div class=reply-list><div class=item><b>水务局</b><div>{paragraphs}</div></div></div>"
    found = lines_of(page(BODY[0], behind=replies))
    assert found[0] == BODY[0]
    assert found[-len(answer) :] == list(answer)


def test_a_text_that_is_a_table_is_the_whole_table() -> None:
    names = [f"{n}|贺＊{n}|临湖市环卫服务有限公司第{n}分公司|右膝" for n in range(6)]
    cells = "".join(f"<tr>{''.join(f'<td><p>{cell}</p></td>' for cell in row.split('|'))}</tr>" for row in names)
    html = page("x", behind="<div>主办：云江市人民政府　承办：云江市人民政府办公室、数据资源管理局</div>")
    found = lines_of(html.replace("<p>x</p>", f"<table>{cells}</table>"))
    assert found == [row.replace("|", " ") for row in names]


def test_cells_that_begin_like_a_sign_of_the_page_stay() -> None:
    villages = ["大桥村", "小河村", "中学", "赞皇路", "踩水坝"]
    rows = "".join(f"<tr><td><p>{name}</p></td><td><p>{n}.5</p></td></tr>" for n, name in enumerate(villages))
    found = lines_of(page(behind="").replace("</div></body>", f"<table>{rows}</table></div></body>"))
    assert found == [*BODY, *(f"{name} {n}.5" for n, name in enumerate(villages))]


def table_of(rows: list[list[str]], around: str = "{}") -> str:
    lines = ("".join(f"<td>{around.format(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


@pytest.mark.parametrize("around", ["<p>{}</p>", "{}"])
def test_cells_that_would_be_buttons_or_editors_elsewhere_stay(around: str) -> None:
    rows = [
        ["推荐单位", "举报人", "首班"],
        ["编辑", "收藏", "06:30"],
        ["中", "分享", "07:05"],
        ["审核：张三", "大", "广告"],
    ]
    found = lines_of(
        page(behind="").replace("</div></body>", f"{table_of(rows, around)}<p>{BODY[0]}完</p></div></body>")
    )
    assert found == [*BODY, *map(" ".join, rows), f"{BODY[0]}完"]


def test_what_is_said_of_an_article_in_a_table_below_it_goes() -> None:
    rows = [["责任编辑：张三", "审核：李四"], ["<a href='javascript:print()'>打印</a>", "<a href='#'>关闭</a>"]]
    assert lines_of(page(behind=table_of(rows))) == list(BODY)
    below = page(behind="").replace("</div></body>", f"{table_of(rows, '<p>{}</p>')}</div></body>")
    assert lines_of(below) == list(BODY)


def test_lines_in_a_page_laid_out_by_tables_stay_lines() -> None:
    names = [f"云江市第{n}中学校团委支部" for n in range(1, 8)]
    for held in ("".join(f"<p>{name}</p>" for name in names), table_of([[name] for name in names])):
        main = f"<h1>{TITLE}</h1>{INFO}<div>{held}</div>"
        html = f"<html><title>{TITLE}</title><table><tr><td><p><a href=/1>通知</a></p></td><td>{main}</td></tr></table>"
        assert lines_of(html) == names


@pytest.mark.parametrize(
    "last", ["王女士说，新站台建好以后，等车的体验更好了。", "图书馆改造以后，读者的阅读体验更好了，常常座无虚席。"]
)
def test_a_last_sentence_on_how_something_is_stays(last: str) -> None:
    assert lines_of(page(*BODY, last)) == [*BODY, last]


def test_a_headline_in_an_old_table_is_told_from_the_sites_name() -> None:
    head = f"<table><tr><td><font size=4><strong>{TITLE}</strong></font></td></tr></table>"
    found = extract(titled(head, "云江职业学院学生工作处"), "http://h/a.html", NOW)
    assert found.title == TITLE


def test_a_time_as_weibo_writes_it_in_a_pages_data() -> None:
    status = {"status_title": TITLE, "text": "<br />".join(BODY), "created_at": "Mon Nov 23 18:20:11 +0800 2026"}
    html = f"<html><title>正文</title><div id=app></div><script>var $render_data = [{json.dumps(status)}][0] || {{}};"
    found = extract(f"{html}</script></html>", "http://h/status/1", NOW)
    assert (found.title, found.text.split("\n")) == (TITLE, list(BODY))
    assert found.published_at == datetime(2026, 11, 23, 18, 20, 11, tzinfo=CHINA)


def test_a_lead_and_a_last_word_in_boxes_of_their_own_stay() -> None:
    lead = "育儿补贴从哪天起开始申领，补贴标准是多少，记者梳理了大家最关心的几个问题。"
    last = "审核通过以后，补贴在二十个工作日之内到账，户籍迁出的从次月起停发。"
    asked = "<div class=ask><p>这篇解读您看懂了吗？</p></div>"
    html = page(*BODY, around="div class=faq", behind=f"<div class=more><p>{last}</p></div>{asked}")
    html = html.replace("<div class=faq>", f"<div class=intro><p>{lead}</p></div><div class=faq>")
    html = html.replace("<body>", "<body><div class=all>").replace("</body>", "</div></body>")
    assert lines_of(html) == [lead, *BODY, last]


def test_a_notice_in_a_box_behind_a_short_text_goes() -> None:
    notice = "如果您对本页面内容有意见或建议，请在工作时间内拨打页面底部的电话，我们会尽快与您联系。"
    html = page(behind=f"<div class=tip><p>{notice}</p></div>").replace("<body>", "<body><div class=all>")
    assert lines_of(html.replace("</body>", "</div></body>")) == list(BODY)


@pytest.mark.parametrize(
    "line", ["讲座时间：12月3日 14:00 地点：报告厅", "女排11-09胜出", "<b>12月3日</b>", "热线0999-11-12345"]
)
def test_a_day_that_is_another_is_none(line: str) -> None:
    html = page().replace(INFO, f"<div>{line}</div>")
    assert extract(html, "http://h/a.html", NOW).published_at is None


def test_files_in_a_tab_of_their_own_are_the_texts() -> None:
    tab = '<div style="display:none"><a href="/f/1.docx">草案.docx</a></div>'
    menu = '<div style="display:none"><a href="/f/2.docx">须知.docx</a></div>'
    html = page(before=menu).replace("<h1>", "<div class=all><h1>").replace("</body>", f"{tab}</div></body>")
    assert [file.url for file in extract(html, "http://h/a.html", NOW).attachments] == ["http://h/f/1.docx"]


def test_a_threads_next_page_holds_more_answers() -> None:
    floor = "<div><p>说得对，我们小区也这样。</p><span>来自 客户端 | {}楼 | 回复</span></div>"
    pager = "<a href=a_2.html>下页</a>"
    html = page(before="<div>楼主：路过的蜗牛</div>", behind="".join(floor.format(n) for n in (1, 2, 3)) + pager)
    assert extract(html, "http://h.example/a.html", NOW).next_page is None
    assert extract(page(behind=pager), "http://h.example/a.html", NOW).next_page == "http://h.example/a_2.html"
    building = "<div><p>3号楼 | 5楼</p><p>4号楼 | 6楼</p></div>"
    assert extract(page(behind=building + pager), "http://h.example/a.html", NOW).next_page is not None


def test_goods_in_the_text_go() -> None:
    goods = "<div class=g><div><p>云江矿泉水产地直发</p><p>到手价29.9元 已售1.2万件</p></div><a>去看看</a></div>"
    assert lines_of(page(*BODY).replace(f"<p>{BODY[1]}", f"{goods}<p>{BODY[1]}")) == list(BODY)
    table = "<div class=g><p>一档水价</p><p>每立方米2.90元</p></div>"
    assert "一档水价" in lines_of(page(*BODY).replace(f"<p>{BODY[1]}", f"{table}<p>{BODY[1]}"))


def test_a_signature_over_files_is_no_heading_of_links() -> None:
    files = "云江市水务局</p><p><a href=/1>附件1：核查进展情况明细表</a></p><p><a href=/2>附件2：退款办理流程说明</a>"
    assert "云江市水务局" in lines_of(page(*BODY, files))


def test_labels_in_named_boxes_around_the_text_go_and_signatures_stay() -> None:
    label = "<div class=x1>{}</div>"
    signed = ["云江市水务集团", "2026年11月23日", "附件：核查表"]
    behind = "".join(map(label.format, [*signed, "随手转给需要的人"]))
    assert lines_of(page().replace("</p></div>", f"</p>{behind}</div>"))[-4:] == [BODY[-1], *signed]
    text = page(*BODY[1:]).replace("<div class=con>", "<div class=con>" + label.format("水务观察 第十二期"), 1)
    assert lines_of(text)[0] == BODY[1]


def test_a_bracketed_day_in_the_text_is_the_texts() -> None:
    assert lines_of(page("（2026年11月17日）", *BODY))[0] == "（2026年11月17日）"
    assert lines_of(page().replace("<div class=con>", "<div>（2026年11月17日）</div><div class=con>"))[0] == BODY[0]


def test_a_sentence_that_says_more_before_it_invites_stays() -> None:
    last = "温馨提示：急诊窗口二十四小时开放，周末门诊照常，预约挂号请关注医院公众号。"
    assert lines_of(page(*BODY, last))[-1] == last
    assert lines_of(page(*BODY, "更多资讯，请关注医院公众号。"))[-1] == BODY[-1]


def test_the_topics_of_a_note_do_not_take_its_last_sentence() -> None:
    last = "急诊窗口二十四小时开放，周末门诊照常，预约挂号请关注医院公众号。"
    assert lines_of(page(*BODY, f"{last}<a>#医生</a> <a>#护理</a>"))[-1] == last


def test_files_linked_over_the_signature_stay() -> None:
    files = ['<a href="/f/a.xlsx">附件：1.退费名单</a>', '<a href="/f/b.docx">2.异议登记表</a>']
    signed = ["云江市水务集团", "2026年11月23日"]
    assert lines_of(page(*BODY, *files, *signed))[-4:] == ["附件：1.退费名单", "2.异议登记表", *signed]


def test_a_headline_may_name_a_day() -> None:
    title = "云江市气象台2026年11月26日16时发布天气预报"
    html = page(before="<div><p>当前实况：气温7.2℃ 湿度81%</p></div>", title=title)
    html = html.replace(f"<title>{title}_云江网</title>", "<title>天气预报-云江市气象局</title>")
    assert extract(html, "http://h/a.html", NOW).title == title


def test_what_accounts_set_around_their_articles_goes() -> None:
    around = ["- 今日互动 -", "投稿邮箱：jy@jt.example", "商务合作：jt2026"]
    assert lines_of(page("收录于合集 <a>#教育随笔</a> 31个", *BODY, *around)) == list(BODY)
    kept = ["-- 第二章 --", "投稿邮箱改为来信人自选，旧信箱保留到年底，逾期来信由办公室转交，不再另行通知。"]
    assert lines_of(page(*BODY, *kept))[-2:] == kept


def test_numbers_of_pages_under_the_text_go() -> None:
    assert lines_of(page(*BODY, "<b>1</b> 2"))[-1] == BODY[-1]


def test_labels_of_a_message_go_and_steps_of_a_procedure_stay() -> None:
    labelled = "<p>问题内容：</p>" + "<p>答复内容：</p>".join(f"<p>{one}</p>" for one in BODY)
    html = page("x").replace("<p>x</p>", labelled)
    assert lines_of(html) == list(BODY)
    steps = "办理时间：周一至周五上午九时至十二时"
    assert steps in lines_of(page(*BODY, steps))


def test_how_to_reach_the_house_in_a_box_below_the_text_goes() -> None:
    box = "<div class=svc><div>供水服务热线：96196（24小时）</div><div>邮编：330999</div></div>"
    html = page().replace(f"{BODY[-1]}</p>", f"{BODY[-1]}</p>{box}")
    assert box in html
    assert lines_of(html) == list(BODY)


def test_what_an_element_of_its_own_calls_a_lead_goes() -> None:
    assert lines_of(page(f"<b>AI导读</b>{BODY[1][:30]}。", *BODY)) == list(BODY)
    assert lines_of(page(f"〔摘要〕{BODY[1][:30]}。", *BODY)) == list(BODY)


@pytest.mark.parametrize("long", [False, True])
def test_a_message_stands_with_the_answer_to_it(long: bool) -> None:
    answer = "市民您好，您反映的问题已收悉。" + BODY[1] * (4 if long else 1)
    html = (
        f"<html><head><title>诉求公示</title></head><body><div class=case><div class=t><i>投诉</i>{TITLE}</div>"
        f"<div class=ask><div><b>市民</b> 2026-11-23 12:30</div><div><p>{BODY[0]}</p></div></div>"
        f"<div class=say><div><b>云江市水务局</b> 2026-11-24 09:00</div><div><p>{answer}</p></div></div></div>"
        f"</body></html>"
    )
    found = extract(html, "http://h/a.html", NOW)
    assert (found.title, found.text.split("\n")) == (TITLE, [BODY[0], answer])
    assert found.published_at is not None and found.published_at.astimezone(CHINA).day == 23


def titled(headline: str, element: str, script: str = "") -> str:
    """A page with its headline as it stands there, and what its `<title>` says."""
    text = "".join(f"<p>{one}</p>" for one in BODY)
    return (
        f"<html><head><title>{element}</title><script>{script}</script></head><body><div class=bar><b>云江发布</b>"
        f"<span>下载</span></div>{headline}{INFO}<div class=con>{text}</div></body></html>"
    )


LONG_TITLE = "云江市水务集团关于公布水费重复扣收核查进展和退款安排的通知"


@pytest.mark.parametrize(
    ("html", "title"),
    [
        (titled(f"<h1>{TITLE}<em>（1/3）</em></h1>", f"{TITLE}（1/3）_云江网"), TITLE),
        (titled(f"<h1>[云江早新闻]{TITLE}</h1>", f"[云江早新闻]{TITLE}_云江网"), TITLE),
        (titled(f"<h1>【民生】{TITLE}</h1>", f"【民生】{TITLE}_云江网"), f"【民生】{TITLE}"),
        (titled(f"<div><em>投诉</em>{TITLE}</div>", "诉求公示"), TITLE),
        (titled(f"<div>投诉{TITLE}</div>", "诉求公示"), f"投诉{TITLE}"),
        (titled(f"<div><span>问</span>{TITLE}？</div>", f"云江税务 热点问答 {TITLE}？"), f"{TITLE}？"),
        (titled(f"<h2>{TITLE}<small>2026年11月19日</small></h2>", f"{TITLE}_要闻_云江网"), TITLE),
        (titled(f"<div><strong>{TITLE}</strong><em>已回复</em></div>", f"问政云江-《{TITLE}》"), TITLE),
        (titled("<h1>云江入冬<small>（组图）</small></h1>", "云江入冬（组图）"), "云江入冬（组图）"),
        (titled("<h2>平安云江</h2><p><font size=5>警情通报</font></p>", "警情通报-云江市公安局"), "警情通报"),
        (titled(f"<h2>校园动态</h2><p>a</p><p>b</p><p>c</p><b>{TITLE}</b>", "校园动态_实验小学"), TITLE),
        (titled(f"<div>{TITLE}</div>", "云江发布", f'var shareTitle="{TITLE}";'), TITLE),
        (titled(f"<div>{TITLE}</div>", "云江发布"), TITLE),
        (titled(f"<p>{LONG_TITLE[:9]}</p><p>{LONG_TITLE[9:]}</p>", f"{LONG_TITLE[:24]}...-云江网"), LONG_TITLE),
        (titled(f"<div>{LONG_TITLE}</div>", f"【通知公告】{LONG_TITLE[:20]}... | 云江市水务局"), LONG_TITLE),
        (
            titled(f"<p>{TITLE}</p><table><tr><td>发布单位</td><td>云江水务</td></tr></table>", "详情"),
            TITLE,
        ),
    ],
)
def test_headlines_with_what_pages_do_to_them(html: str, title: str) -> None:
    found = extract(html, "http://h/a.html", NOW)
    assert (found.title, found.text.split("\n")) == (title, list(BODY))


SIGNED = (*BODY, "云江市水务局", "2026年11月20日")


@pytest.mark.parametrize(
    ("info", "behind", "time"),
    [
        ("<dl><dt>成文日期</dt><dd>2026-11-20</dd><dt>发布日期</dt><dd>2026-11-22</dd></dl>", "", "11-22 00:00"),
        ("<p><span>2026-11-22</span><span>203</span></p>", "", "11-22 00:00"),
        ("<p><b>22</b><span>2026/11</span></p>", "", "11-22 00:00"),
        ("<p>22</p><p>2026-11</p>", "", "11-22 00:00"),
        ("<p><i>Lv.8</i><span>11-22 21:07 发布于 新圃区</span></p>", "", "11-22 21:07"),
        ("<p>發布日期：115-11-22</p>", "", "11-22 00:00"),
        ('<p>发布时间：<script>var pubtime="2026-11-22 17:45:00";w(pubtime)</script></p>', "", "11-22 17:45"),
        ("<p><a>修改于11-23 20:17</a></p><script>x={'created_at':1795355820000}</script>", "", "11-22 21:57"),
        ("<p>云江晚报<span>11-22</span><a>热文</a></p>", "<div><p>老周 2026-11-23</p><p>回复</p></div>", "11-22 00:00"),
        ("<p>写信时间：2026-11-22 08:55</p>", "", "11-22 08:55"),
        ("<p>答复时间：2026-11-23 17:03</p><p>写信时间：2026-11-22 08:55</p>", "", "11-22 08:55"),
        ('<p><span data-tooltip="发布于 2026-11-22 21:14">编辑于 2026-11-23 08:02</span>・云省</p>', "", "11-22 21:14"),
        ("", "<ul>" + "<li><a href=/1>城区三座立交桥本月底通车</a> 2026-11-21</li>" * 2 + "</ul>", "11-20 00:00"),
    ],
)
def test_times_as_pages_set_them(info: str, behind: str, time: str) -> None:
    found = extract(page(*SIGNED, behind=behind).replace(INFO, info), "http://h/a.html", NOW)
    assert found.published_at is not None
    assert found.published_at.astimezone(CHINA).strftime("%m-%d %H:%M") == time
    assert found.text.split("\n") == list(SIGNED)


@pytest.mark.parametrize(
    ("info", "outlet", "author"),
    [
        ("<dl><dt>发布机构</dt><dd>云江市水务局</dd></dl>", "云江市水务局", None),
        ("<table><tr><td>发布单位</td><td>云江市水务局</td></tr></table>", "云江市水务局", None),
        ("<p><label>信息来源</label><em>云江市水务局</em></p>", "云江市水务局", None),
        ("<p>来源： 访问量：203</p>", None, None),
        ("<p><span>征集单位：云江市水务局</span></p>", "云江市水务局", None),
        ("<p><span>作者：宋思远</span><span>阅读：1203</span></p>", None, "宋思远"),
        ("<p>云江网记者 贺小川 摄</p>", None, None),
    ],
)
def test_outlets_and_authors_as_pages_set_them(info: str, outlet: str | None, author: str | None) -> None:
    found = extract(page().replace(INFO, info), "http://h/a.html", NOW)
    assert (found.outlet, found.author) == (outlet, author)


def test_a_day_without_a_year_below_the_text() -> None:
    html = page(behind="<div><span>编辑于 11-22 云江</span></div>").replace(INFO, "")
    found = extract(html, "http://h/a.html", NOW).published_at
    assert found is not None and found.astimezone(CHINA).strftime("%Y-%m-%d") == "2026-11-22"
    score = page(behind="<div><span>比分 11-22</span></div>").replace(INFO, "")
    assert extract(score, "http://h/a.html", NOW).published_at is None


def test_the_article_that_is_loaded_below_is_another() -> None:
    def post(title: str, text: str, day: int) -> str:
        return f"<div class=post><h1>{title}</h1><div>云江晚报 2026-11-{day}</div><div><p>{text}</p></div></div>"

    first, more = "".join(BODY), BODY[0] * 9
    html = (
        f"<html><head><title>{TITLE}_云江网</title></head><body><div>{post(TITLE, first, 23)}{{}}</div></body></html>"
    )
    for below in (post("老机床厂变身剧场", more, 22), post("老机床厂变身剧场", more, 22) + post("另一件事", more, 21)):
        found = extract(html.format(below), "http://h/a.html", NOW)
        assert (found.title, found.text) == (TITLE, first)


def test_a_number_over_two_elements_stays_one() -> None:
    assert lines_of(page("全市共受理<span>1</span><span>20</span>件。", *BODY))[0] == "全市共受理120件。"


def test_a_class_that_only_looks_like_an_aside_is_kept() -> None:
    for names in ("relative flex", "fl ft14", "content-hot", "article-share-wrap"):
        assert lines_of(page(around=f'div class="{names}"')) == list(BODY)


def test_a_form_around_the_whole_page_is_no_form() -> None:
    html = page().replace("<body>", "<body><form id=aspnetForm>").replace("</body>", "</form></body>")
    assert lines_of(html) == list(BODY)


def test_a_chronicle_is_no_comments() -> None:
    days = "".join(
        f"<li><span>2026年11月{day}日</span><p>第{day}次核查会议在市水务集团召开，通报进展。</p></li>"
        for day in range(3, 9)
    )
    found = lines_of(page(*BODY, f"事情经过：<ul>{days}</ul>"))
    assert sum("核查会议" in line for line in found) == 6


def test_a_departments_reply_belongs_to_the_message() -> None:
    reply = (
        "<div class=reply><p>答复单位：云江市水务局</p><p>答复时间：2026-11-24</p>"
        "<p>您反映的情况我们已经核实，重复扣收的水费将于五个工作日之内退回原账户。</p></div>"
    )
    assert any("退回原账户" in line for line in lines_of(page(BODY[0], behind=reply)))


def test_a_text_that_is_hidden_until_a_script_runs() -> None:
    assert lines_of(page(around='div style="display: none"')) == list(BODY)


def test_rows_of_a_table_are_lines() -> None:
    rows = "".join(f"<tr><td>第{n}档</td><td>{n}.50元</td><td>{n * 10}立方米</td></tr>" for n in range(1, 5))
    found = lines_of(page(BODY[0], "价格如下：", f"<table>{rows}</table>", BODY[1]))
    assert "第2档 2.50元 20立方米" in found
    assert found[-1] == BODY[1]


def test_a_table_beside_the_text_belongs_to_it() -> None:
    rows = "".join(f"<tr><td>{n}</td><td>望湖街道第{n}社区</td><td>居民供水改造项目</td></tr>" for n in range(1, 9))
    html = (
        page()
        .replace("</div></body>", f"</div><div><table>{rows}</table></div></body>")
        .replace("<body>", "<body><div>")
    )
    found = lines_of(html)
    assert found[: len(BODY)] == list(BODY)
    assert "8 望湖街道第8社区 居民供水改造项目" in found


def test_files_listed_in_the_text_stay() -> None:
    files = "".join(f"<li><a href=/f/{n}.pdf>附件{n}：水价调整方案{n}.pdf</a></li>" for n in range(1, 5))
    html = page(*BODY, f"<ul>{files}</ul>")
    assert lines_of(html)[-1] == "附件4：水价调整方案4.pdf"
    assert len(extract(html, "http://h/a.html", NOW).attachments) == 4


def test_a_text_that_is_there_twice_is_read_once() -> None:
    twice = "<div class=mobile>" + "".join(f"<p>{one}</p>" for one in BODY) + "</div>"
    assert lines_of(page(around="div class=mobile", behind=twice)) == list(BODY)


def test_a_few_words_without_a_stop_are_the_text() -> None:
    html = page("11月28日22时起建设路沿线停水", behind="<div class=links><p>云江水务集团客服中心值班电话</p></div>")
    assert lines_of(html) == ["11月28日22时起建设路沿线停水"]


def test_sections_go_on_behind_a_share_bar() -> None:
    first = f"<section><p>{BODY[0]}</p><p>{BODY[1]}</p><p>分享到：</p></section>"
    sections = f"{first}<section><p>{BODY[2]}</p><p>{BODY[0]}好。</p></section>"
    html = page("x").replace("<p>x</p>", sections)
    assert lines_of(html) == [*BODY, f"{BODY[0]}好。"]


def test_an_article_about_walls_is_an_article() -> None:
    long = "页面不存在、请先登录、验证码、访问过于频繁，这些提示你都见过吗？记者逐一体验，发现不少网站设了门槛。"
    assert lines_of(page(long, *BODY))[0] == long


@pytest.mark.parametrize(
    ("info", "time"),
    [
        ("2026年11月23日 下午3:05 来源：云江晚报", "2026-11-23 15:05"),
        ("更新时间：2026-11-23 16:00　发布时间：2026-11-20 09:30", "2026-11-20 09:30"),
        ("发布时间：2026-11-20 09:30　截止时间：2026-12-20 09:30", "2026-11-20 09:30"),
        ("成文日期：2026-11-18 发布日期：2026-11-20", "2026-11-20 00:00"),
        ("更新时间：2026-11-23 16:00", "2026-11-23 16:00"),
        ("二〇二六年十一月二十日", "2026-11-20 00:00"),
        ("昨天 18:20", "2026-11-23 18:20"),
        ("37分钟前", "2026-11-24 11:53"),
        ("11-20 19:30", "2026-11-20 19:30"),
        ("２０２６年１１月２０日", "2026-11-20 00:00"),
        ("11/20/2026, 07:20:03 PM", "2026-11-20 19:20"),
        ("修改于 2026-11-20 19:20", "2026-11-20 19:20"),
        ("2026-11-20-19:20:03", "2026-11-20 19:20"),
        ('发表于 <span title="2026-11-20 19:20:03">4&nbsp;天前</span>', "2026-11-20 19:20"),
        ("本帖最后由 清风徐来 于 2026-11-23 07:12 编辑 发表于 2026-11-20 19:20", "2026-11-20 19:20"),
    ],
)
def test_times_as_pages_write_them(info: str, time: str) -> None:
    found = extract(page().replace("2026-11-23 12:30　来源：云江晚报", info), "http://h/a.html", NOW).published_at
    assert found is not None
    assert found.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == time


@pytest.mark.parametrize(
    "parts",
    [
        "<span><em> 2026</em></span><span><em> 11</em>/<em>24</em></span><span>11:30:22</span>",
        "<span>2026</span> <span>11/24</span> <span>11:30:22</span> <span>来源：云江晚报</span>",
        "<div>2026</div><div>11/24</div><div>11:30:22</div>",
        "<div>2026年</div><div>11月24日</div><div>11:30</div>",
    ],
)
def test_a_time_in_three_pieces(parts: str) -> None:
    for html in (page().replace(INFO, f"<div>{parts}</div>"), page(before=f"<div>{parts}</div>").replace(INFO, "")):
        found = extract(html, "http://h/a.html", NOW).published_at
        assert found is not None and f"{found.astimezone(CHINA):%Y-%m-%d %H:%M}" == "2026-11-24 11:30"


@pytest.mark.parametrize(
    ("info", "text", "url", "time"),
    [
        # A comment's label beside a time of the page that has none.
        ("云江晚报 2026-11-22 19:47", [*BODY, "南浦渔夫 2026-11-23 发表于云江"], "", "2026-11-22 19:47"),
        ("2026年11月22日 11時45分", BODY, "", "2026-11-22 11:45"),
        # A decree begins with its own title, and goes on with the day of its signing.
        ("发布时间：2026-11-22", [f"{TITLE}已经通过，现予公布。", "2026年11月9日", *BODY], "", "2026-11-22"),
        (
            "2026-11-22 09:14 来源:云江",
            [*BODY, "时间：2026年11月20日至2026年12月3日，每天8时至18时。"],
            "",
            "2026-11-22 09:14",
        ),
        ("", [*BODY, "2026年11月9日"], "/202611/t20261122_1.html", "2026-11-22"),
        ("2026-11-22 供图", ["（2026年11月17日）", *BODY], "", "2026-11-22"),
        ("11-22 13:48", ["岚建规〔2026〕7号", "2026年11月9日", *BODY], "", "2026-11-22 13:48"),
        ("更新时间：2026-11-22 9:05:00", [BODY[0], "2026年11月9日", *BODY[1:]], "", "2026-11-22 09:05"),
    ],
)
def test_which_of_several_times_is_the_pages(info: str, text: list[str], url: str, time: str) -> None:
    html = page(*text).replace(INFO, f"<div class=i>{info}</div>")
    found = extract(html, f"http://h{url or '/a.html'}", NOW).published_at
    assert found is not None and f"{found.astimezone(CHINA):%Y-%m-%d %H:%M}".startswith(time)


def test_a_day_in_a_tag_gets_its_clock_from_the_page() -> None:
    html = page().replace("<head>", '<head><meta name="PubDate" content="2026-11-23">')
    found = extract(html, "http://h/a.html", NOW).published_at
    assert found == datetime(2026, 11, 23, 12, 30, tzinfo=CHINA)


def test_a_time_that_only_a_script_holds() -> None:
    html = (
        page()
        .replace(INFO, "<em id=publish_time></em>")
        .replace("</body>", '<script>var ct = "1795428180";</script></body>')
    )
    found = extract(html, "http://h/s/AbC", NOW).published_at
    assert found is not None and found.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == "2026-11-23 18:03"


def test_an_empty_element_at_the_top_holds_nothing() -> None:
    html = page(before="<div class=banner></div>", behind="<div class=bq>云江日报社主办　地址：滨河路</div>")
    assert lines_of(html) == list(BODY)


@pytest.mark.parametrize(
    "table",
    [
        f"<tr><th>信件标题</th><td>{TITLE}</td></tr><tr><th>来信时间</th><td>2026-11-23 12:30</td></tr>",
        f"<tr><td>标　题：</td><td>{TITLE}</td></tr><tr><td>发布日期：</td><td>2026-11-23 12:30</td></tr>",
    ],
)
def test_the_title_in_a_table_of_particulars(table: str) -> None:
    text = "".join(f"<p>{line}</p>" for line in BODY)
    found = extract(
        f"<title>网上问政_云江市人民政府</title><body><table>{table}</table><div>{text}</div>", "http://h/a.html", NOW
    )
    assert (found.title, found.text.split("\n")) == (TITLE, list(BODY))


def test_a_headline_broken_over_two_lines() -> None:
    half = len(TITLE) // 2
    html = page().replace(f"<h1>{TITLE}</h1>", f"<p><b>{TITLE[:half]}<br>{TITLE[half:]}</b></p>")
    found = extract(html, "http://h/a.html", NOW)
    assert (found.title, found.text.split("\n")) == (TITLE, list(BODY))


def test_headings_and_tables_among_named_paragraphs_stay() -> None:
    rows = "".join(f"<tr><td>{n}</td><td>彩色多普勒超声诊断仪第{n}种型号</td><td>2 台</td></tr>" for n in range(5))
    parts = [f"<div class=para>{line}</div>" for line in BODY]
    html = page().replace(
        "".join(f"<p>{line}</p>" for line in BODY),
        f"{parts[0]}<div class=para><h4>一、项目情况</h4></div>{parts[1]}<table>{rows}</table>{parts[2]}",
    )
    lines = lines_of(html)
    assert lines[1] == "一、项目情况" and len(lines) == len(BODY) + 6


def test_message_and_answer_in_two_tables_are_one_text() -> None:
    html = (
        f"<title>网上问政</title><body><div><table><tr><th>信件标题</th><td>{TITLE}</td></tr>"
        f"<tr><th>来信内容</th><td>{BODY[0]}<br>{BODY[1]}</td></tr></table>"
        f"<table><tr><th>回复单位</th><td>市水务局</td></tr><tr><th>回复内容</th><td>{BODY[2][:40]}。</td></tr></table></div>"
    )
    lines = lines_of(html)
    assert lines[0] == BODY[0] and lines[-1] == f"{BODY[2][:40]}。"


def test_a_notice_at_the_side_is_not_where_the_text_begins() -> None:
    side = "<td><b>站内公告栏</b><br>本院网站改版试运行期间，欢迎广大网友提出宝贵意见，谢谢支持。</td>"
    text = "<br>".join(BODY)
    html = (
        f"<title>临湖县人民法院--&gt;法院新闻</title><table><tr>{side}<td><table>"
        f"<tr><td><font size=4><b>{TITLE}</b></font></td></tr><tr><td>点击数：7　更新时间：2026-11-19 8:05:09</td></tr>"
        f"<tr><td>{text}</td></tr></table></td></tr></table>"
    )
    found = extract(html, "http://h/a.asp", NOW)
    assert (found.title, found.text.split("\n")) == (TITLE, list(BODY))


def test_answers_in_tables_are_no_data_of_a_post() -> None:
    def post(number: int, text: str) -> str:
        info = f"<tr><td>网友{number}</td><td>{number}# 发表于 2026-11-23 12:3{number}</td></tr>"
        body = f"<tr><td>积分 230</td><td><div class=t_f>{text}</div></td></tr>"
        return f"<div id=post_{number}><table>{info}{body}</table></div>"

    said = "楼上说得对，我家也是这种情况，打过好几次电话，都说在核查，到现在还没有退给我们，希望能有个准信。"
    html = (
        f"<title>{TITLE} - 云江论坛</title><div id=postlist><h1>{TITLE}</h1>"
        f"{post(1, '<br>'.join(BODY * 2))}{post(2, said)}</div>"
    )
    assert lines_of(html) == list(BODY)


def test_a_front_page_is_no_article() -> None:
    links = "".join(f"<li><a href=/n/{n}.html>第{n}号供水工作通知公告</a></li>" for n in range(80))
    with pytest.raises(NoArticle) as told:
        extract(f"<html><title>云江市人民政府</title><body><ul>{links}</ul></body></html>", "http://h/", NOW)
    assert told.value.obstacle == "listing"


def test_a_video_page_keeps_its_headline() -> None:
    links = "".join(f"<li><a href=/n/{n}.html>第{n}号供水工作通知公告</a></li>" for n in range(80))
    html = page("正在播放", behind=f"<ul>{links}</ul>")
    found = extract(html, "http://h/v/1.html", NOW)
    assert found.title == TITLE
    assert "通知公告" not in found.text


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name",
    [
        "hsqhfunds_announcement.html",
        "netease_international_news.html",
        "netease_leaderboard_news.html",
        "netease_rolling_news.html",
        "tencent_important_news.html",
    ],
)
def test_real_lists_are_no_articles(name: str) -> None:
    html = decode((shared_data("pages") / "list" / name).read_bytes())
    with pytest.raises(NoArticle) as told:
        extract(html, f"http://h/list/{name}", NOW)
    assert told.value.obstacle == "listing"


@pytest.mark.parametrize(
    ("here", "links", "following"),
    [
        ("http://h/a1.html", "<a href=a1_2.html>下一页</a>", "http://h/a1_2.html"),
        ("http://h/a1_2.html", "<a href=a1.html>上一页</a><a href=a1_3.html>下一页</a>", "http://h/a1_3.html"),
        ("http://h/a1.html", "<b>1</b> <a href=a1_2.html>2</a> <a href=a1_3.html>3</a>", "http://h/a1_2.html"),
        ("http://h/v?id=3", "<a href='?id=3&page=2'>下一页</a>", "http://h/v?id=3&page=2"),
        ("http://h/2026/a", "<a href=/2026/a/page/2/>下一页</a>", "http://h/2026/a/page/2/"),
        ("http://h/a1.html", "<a href=a2.html>下一页</a>", None),
        ("http://h/a1.html", "<a href=a1_2.html>下一篇</a>", None),
        ("http://h/a1.html", "<a href=/list_2.html>下一页</a>", None),
        ("http://h/a1.html", "<a href='javascript:;'>下一页</a>", None),
        ("http://h/a1.html", "<a href='http://[::1'>下一页</a>", None),
        ("a1.html", "<a href=a1_2.html>下一页</a>", None),
    ],
)
def test_where_an_article_goes_on(here: str, links: str, following: str | None) -> None:
    tree = parse_html(f"<body>{links}</body>")
    assert tree is not None
    assert next_page_of(outline(tree).links, here) == following


def test_pages_of_an_article_as_one() -> None:
    assert joined_text(["导语\n甲", "导语\n乙", ""]) == "导语\n甲\n乙"
    first = extract(page(BODY[0]), "http://h/a1.html", NOW)
    second = extract(page(BODY[1]), "http://h/a1_2.html", NOW)
    assert join([first, second]).text == f"{BODY[0]}\n{BODY[1]}"


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_page_is_it_is_read_or_told(seed: int) -> None:
    """Pages that are cut, shuffled or spoilt give an article or `NoArticle`, and no other error."""
    pick = random.Random(seed)
    whole = [decode(one.html) for one in load_pages()]
    for turn in range(40):
        html = pick.choice(whole)
        place = pick.randrange(len(html))
        tags = re.split(r"(<[^>]*>)", html)
        match turn % 4:
            case 0:
                html = html[:place]
            case 1:
                html = html[place:]
            case 2:
                pick.shuffle(tags)
                html = "".join(tags)
            case _:
                spoilt = "".join(pick.choice("\0\t<>&\"'云\ud800\ufffe") for _ in range(30))
                html = html[:place] + spoilt + html[place:]
        with suppress(NoArticle):
            extract(html, pick.choice(("http://h/a.html", "a.html", "http://[::1/a", "")), NOW)


@pytest.mark.parametrize(
    "filling",
    [
        "<p>云江市水务集团公布核查进展，退款将在五个工作日之内到账，居民不需要排队。</p>" * 100_000,
        "<div>" * 200_000 + "云江",
        "<li><a href=/n/1.html>城区三座立交桥本月底通车</a></li>" * 150_000,
        "<script>" + "var publish_time='2026';" * 400_000 + "</script>",
        "云" * 3_400_000,
        "<p>" + "1-" * 3_000_000,
        "<table>" + "<tr><td>2026-11-23<td>来源：" * 200_000,
    ],
    ids=["paragraphs", "depth", "links", "script", "one word", "digits", "table"],
)
def test_ten_megabytes_are_read_in_seconds(filling: str) -> None:
    begun = time.process_time()
    with suppress(NoArticle):
        extract(page(behind=filling[:10_000_000]), "http://h/a.html", NOW)
    assert time.process_time() - begun < 30


@pytest.mark.parametrize(
    "title", ["小区停车位不够怎么办", "大学毕业生就业补贴开始发放", "中央财政下达困难群众救助补助资金"]
)
def test_headlines_that_begin_like_a_label_are_headlines(title: str) -> None:
    """大 中 小 are the sizes that letters can be set to, and begin many a headline."""
    assert extract(page(title=title), "http://h/a.html", NOW).title == title
    assert title in lines_of(page(BODY[0], title, BODY[1], BODY[2]))


@pytest.mark.parametrize(
    "label", ["大 中 小", "大中小", "【大】【中】【小】", "[打印] [关闭] [收藏]", "打印本页 | 关闭窗口"]
)
def test_rows_of_labels_are_none_of_the_text(label: str) -> None:
    assert label not in lines_of(page(BODY[0], BODY[1], label, BODY[2]))


def test_lines_that_begin_like_a_label_are_read_at_once() -> None:
    lines = [f"大家好我是来自云江市的一名普通市民想反映一下第{n}号小区附近的道路施工问题，" for n in range(50)]
    began = time.perf_counter()
    extract(page(*lines, *BODY), "http://h/a.html", NOW)
    assert time.perf_counter() - began < 2.0


# ---- what scripts hold


def drawn(value: object, assigned: str = "window.__STATE__=") -> str:
    """A page that its scripts draw from a value."""
    said = json.dumps(value, ensure_ascii=False)
    return (
        "<html><head><title>云江发布</title></head><body><div id=app></div><noscript>请开启JavaScript</noscript>"
        f"<script>{assigned}{said};</script><script src=/app.js></script></body></html>"
    )


STORY = "".join(f"<p>{line}</p>" for line in BODY)


@pytest.mark.parametrize(
    "value",
    [
        {"title": TITLE, "content": STORY, "pubDate": "2026-11-23 12:30"},
        {"data": {"info": {"news_title": TITLE, "publishTime": 1795408200}, "html": STORY}},
        {"title": TITLE, "content": STORY.replace("<", "&lt;").replace(">", "&gt;"), "fbsj": "1795408200000"},
        {"title": TITLE, "releaseTime": "2026年11月23日 12:30", "body": [{"t": "p", "v": line} for line in BODY]},
        [[{"title": TITLE, "publish_time": "2026-11-23T04:30:00Z", "detail": "\n".join(BODY)}]],
    ],
)
def test_the_article_that_scripts_would_draw_is_read(value: object) -> None:
    found = extract(drawn(value), "http://h/a.html", NOW)
    assert (found.title, found.text.split("\n")) == (TITLE, list(BODY))
    assert found.published_at is not None
    assert found.published_at.astimezone(CHINA).strftime("%m-%d %H:%M") == "11-23 12:30"


@pytest.mark.parametrize(
    "value",
    [
        {"seo": {"title": "云江发布平台", "description": BODY[0] + BODY[1]}},
        {"title": "云江发布平台", "words": BODY[0][:60] + "。"},
        {"comments": [{"user": "老街坊", "content": BODY[0]}, {"user": "小周", "content": BODY[1]}]},
        {"content": STORY},
        {"title": TITLE, "list": [{"title": "另一件事的标题", "url": "/1"}]},
    ],
)
def test_what_is_no_article_in_scripts_is_told_as_before(value: object) -> None:
    with pytest.raises(NoArticle) as told:
        extract(drawn({"padding": "x" * 200, **value}), "http://h/a.html", NOW)  # type: ignore[dict-item]
    assert told.value.obstacle == "javascript"


def test_a_text_on_the_page_is_not_replaced_by_what_scripts_hold() -> None:
    more = (
        f"<script>var other={json.dumps({'title': '别的文章', 'content': STORY * 3, 'pubDate': '2026-11-20'})}</script>"
    )
    found = extract(page(behind=more), "http://h/a.html", NOW)
    assert (found.title, found.text.split("\n")) == (TITLE, list(BODY))


def test_scripts_made_to_exhaust_us_end_soon() -> None:
    begun = time.process_time()
    for text in ("[" * 200_000, "={" * 200_000, '={"a":' * 100_000, "=[1]" * 200_000):
        with suppress(NoArticle):
            extract(f"<html><body><div id=app></div><script>{text}</script></body></html>", "http://h/", NOW)
    assert time.process_time() - begun < 10


def test_an_answer_stands_without_the_cell_that_labels_it() -> None:
    letter = (
        f"<h1>{TITLE}</h1><table border=1><tr><th>来信人</th><td>汪**</td><th>来信日期</th><td>2026-11-20</td></tr>"
        f"<tr><th>信件内容</th><td colspan=3>{BODY[0]}</td></tr>"
        f"<tr><th>回复单位</th><td>市水利局</td><th>回复日期</th><td>2026-11-22</td></tr>"
        f"<tr><th>回复内容</th><td colspan=3>{BODY[1]}</td></tr></table>"
    )
    assert lines_of(f"<html><body>{letter}</body></html>") == [BODY[0], BODY[1]]


def test_what_a_row_says_without_a_label_stays() -> None:
    text = f"内容简介：{BODY[1]}"
    rows = f"<table><tr><td><p>{BODY[0]}</p></td></tr><tr><td>{text}</td></tr></table>"
    assert lines_of(page(rows)) == [BODY[0], text]


@pytest.mark.parametrize("centred", ['p style="text-align: center"', "p align=center", "center"])
def test_clauses_set_in_the_middle_over_the_text_are_none_of_it(centred: str) -> None:
    offer = f"<{centred}>志愿填报服务上线，查大学、查专业、测录取率</{centred.split()[0]}>"
    assert lines_of(page().replace("<div class=con><p>", f"<div class=con>{offer}<p>")) == list(BODY)


@pytest.mark.parametrize(
    "line",
    [
        "<p style='text-align:center'>——在全市河湖长制工作推进会上的讲话</p>",
        "<p align=center>一、核查了谁，查出了什么，还要查什么</p>",
        "<p align=center><b>管网、水表、账单，三处一起查</b></p>",
        "<p align=center>水表不会说话，账单会，我们替它们开口，一笔一笔说给大家听。</p>",
        "<p>管网、水表、账单，三处一起查</p>",
    ],
)
def test_headings_and_sentences_in_the_middle_stay(line: str) -> None:
    words = re.sub(r"<[^>]*>", "", line)
    assert lines_of(page().replace("<div class=con><p>", f"<div class=con>{line}<p>")) == [words, *BODY]


def test_a_text_that_is_all_set_in_the_middle_keeps_its_beginning() -> None:
    lines = ("春天来了，桃花、杏花、梨花", *BODY)
    assert lines_of(page(*lines).replace("<p>", "<p align=center>")) == list(lines)


def test_a_title_that_only_a_meta_says_is_the_title() -> None:
    head = f'<head><meta property="og:title" content="{TITLE}"></head>'
    text = "".join(f"<p>{one}</p>" for one in BODY)
    assert extract(f"<html>{head}<body><div>{text}</div></body></html>", "http://h/a.html", NOW).title == TITLE


def test_a_row_of_figures_is_no_headline() -> None:
    rows = (("品名", "产地", "均价"), ("白萝卜", "江芷", "1.1"), ("西红柿", "外地", "5.0"), ("鸡蛋", "怀渠", "8.9"))
    table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    closing = "<p>市场信息部每天早上八点采集价格，遇到节假日顺延，有疑问的商户可以到服务台查询。</p>"
    html = (
        f"<html><head><title>服务提示 - 云江市场</title></head><body><div><h2>{TITLE}</h2>"
        f"<table>{table}</table>{closing}</div><ul><li><a>另一件事的标题</a> 2026-11-18</li></ul></body></html>"
    )
    found = extract(html, "http://h/a.html", NOW)
    assert found.title == TITLE
    assert found.text.split("\n")[:4] == [" ".join(row) for row in rows]
