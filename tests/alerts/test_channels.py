"""Every channel: what counts as delivered, what may be tried again, and that no error shows a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

import alerts.channels
from alerts.channels import DeliveryFailed, channel_classes, open_channel
from alerts.channels.apprise_url import without_secrets
from alerts.channels.rendering import fitted
from alerts.notices import Notice
from alerts.notify.delivery_words import in_chinese
from minsheng.errors import WrongSettings
from minsheng.settings import ChannelSettings, Secret
from tests.alerts.channel_servers import answering

NOTICE = Notice(
    reason="new",
    level="yellow",
    ticket="T20260310-001",
    subject="【黄色预警·新发现】《水价方案》：水费涨了（30 位不同发言者）T20260310-001",
    why="近 6 小时内有 30 位不同发言者表达不满。",
    plan="收费价格舆情应对预案（通用）",
    deadline="03月12日 20:28 前作出回应",
)
OK: dict[str, tuple[int, Any, dict[str, str]]] = {
    "dingtalk+": (200, {"errcode": 0, "errmsg": "ok"}, {}),
    "wecom+": (200, {"errcode": 0, "errmsg": "ok"}, {}),
    "feishu+": (200, {"code": 0, "msg": "success", "data": {}}, {}),
    "": (204, "", {}),
}


def send(url: str, timeout: float = 5) -> None:
    open_channel(ChannelSettings(name="c", url=url), timeout).send(NOTICE)


@pytest.mark.parametrize("prefix", OK)
def test_a_confirmed_notice_is_delivered_with_all_that_matters(prefix: str) -> None:
    with answering(OK[prefix]) as server:
        send(f"{prefix}{server.url}/robot/send?access_token=topsecret")
    (body,) = server.received
    text = str(body)
    for piece in (NOTICE.subject, NOTICE.why, NOTICE.plan, NOTICE.deadline, NOTICE.ticket):
        assert piece in text
    assert "access_token=topsecret" in server.paths[0]


@pytest.mark.parametrize(
    ("prefix", "body", "permanent"),
    [
        ("dingtalk+", {"errcode": 310000, "errmsg": "keywords not in content"}, True),
        ("dingtalk+", {"errcode": 130101, "errmsg": "send too fast"}, False),
        ("dingtalk+", {"errcode": -1, "errmsg": "system busy"}, False),
        ("dingtalk+", {}, False),
        ("wecom+", {"errcode": 93000, "errmsg": "invalid webhook url"}, True),
        ("wecom+", {"errcode": 45009, "errmsg": "api freq out of limit"}, False),
        ("feishu+", {"code": 19024, "msg": "Key Words Not Found"}, True),
        ("feishu+", {"code": 9499, "msg": "too many request"}, False),
    ],
)
def test_http_200_with_an_error_code_is_not_delivered(prefix: str, body: dict[str, Any], permanent: bool) -> None:
    with answering((200, body, {})) as server, pytest.raises(DeliveryFailed) as failed:
        send(f"{prefix}{server.url}/send?key=topsecret")
    assert failed.value.permanent is permanent
    if body:
        assert str(body.get("errcode", body.get("code"))) in str(failed.value)
    assert "topsecret" not in str(failed.value)


@pytest.mark.parametrize("prefix", OK)
@pytest.mark.parametrize(
    ("answer", "permanent", "after"),
    [
        ((500, {}, {}), False, None),
        ((429, {}, {"Retry-After": "17"}), False, 17.0),
        ((403, {}, {}), True, None),
        ((302, {}, {"Location": "http://127.0.0.1:9/"}), True, None),
    ],
)
def test_each_status_says_whether_to_try_again(
    prefix: str, answer: tuple[int, Any, dict[str, str]], permanent: bool, after: float | None
) -> None:
    with answering(answer) as server, pytest.raises(DeliveryFailed) as failed:
        send(f"{prefix}{server.url}/send?key=topsecret")
    assert (failed.value.permanent, failed.value.retry_after) == (permanent, after)
    assert "topsecret" not in str(failed.value)


@pytest.mark.parametrize("prefix", OK)
def test_silence_and_absence_are_tried_again(prefix: str) -> None:
    with answering(1.0) as server:
        for url in (f"{server.url}/topsecret", "http://127.0.0.1:9/topsecret"):
            with pytest.raises(DeliveryFailed) as failed:
                send(f"{prefix}{url}", timeout=0.2)
            assert not failed.value.permanent
            assert "127.0.0.1" in str(failed.value) and "topsecret" not in str(failed.value)


def test_signed_robots_get_a_signature_and_keep_the_secret() -> None:
    with answering(OK["dingtalk+"]) as server:
        send(f"dingtalk+{server.url}/robot/send?access_token=t&secret=SECabc")
    assert "&timestamp=" in server.paths[0] and "&sign=" in server.paths[0] and "SECabc" not in server.paths[0]
    with answering(OK["feishu+"]) as server:
        send(f"feishu+{server.url}/hook/t?secret=SECabc")
    assert {"timestamp", "sign"} <= set(server.received[0]) and "SECabc" not in server.paths[0]


def test_mail_goes_out_by_apprise(smtp_server: Any) -> None:
    send(smtp_server.url)
    (mail,) = smtp_server.messages
    assert mail["Subject"].startswith("【黄色预警·新发现】《水价方案》")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines()[: len(NOTICE.body.splitlines())] == NOTICE.body.splitlines()


def test_what_people_wrote_is_no_markup_in_a_mail(smtp_server: Any) -> None:
    evil = '<img src="http://evil.example/x">*粗* 第一行\n第二行'
    for address in (smtp_server.url, f"{smtp_server.url}&format=html"):
        open_channel(ChannelSettings(name="c", url=address), 5).send(msgspec.structs.replace(NOTICE, why=evil))
    text, html = smtp_server.messages
    assert evil in text.get_content().replace("\r", "")
    assert "<img" not in html.get_body(("html",)).get_content()


def test_a_mail_server_that_is_away_is_a_failure_without_secrets() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        send("mailto://user:hunter22@127.0.0.1:9?from=a@example.test&to=duty@example.test", timeout=1)
    assert "hunter22" not in str(failed.value)
    assert not failed.value.permanent


def test_texts_are_freed_of_every_part_of_an_address() -> None:
    url = "slack://TokenAAAA/TokenBBBB/TokenCCCC/?key=v%2FalueDDD"
    said = f"POST {url} failed at /TokenBBBB with v/alueDDD"
    assert without_secrets(said, url) == "POST *** failed at /*** with ***"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://oapi.dingtalk.com/robot/send?access_token=x", "DingTalk"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x", "WeCom"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/x", "Feishu"),
        ("https://hooks.example.test/minsheng", "Webhook"),
        ("terminal://", "Terminal"),
        ("mailto://user:pass@example.test", "AppriseUrl"),
    ],
)
def test_each_address_finds_its_channel(url: str, kind: str) -> None:
    assert type(open_channel(ChannelSettings(name="c", url=url), 5)).__name__ == kind


def test_an_unknown_address_is_refused_without_showing_it() -> None:
    with pytest.raises(WrongSettings) as refused:
        open_channel(ChannelSettings(name="mine", url="nonsense://topsecret"), 5)
    assert "mine" in str(refused.value) and "topsecret" not in str(refused.value)


def test_every_module_of_the_package_is_discovered() -> None:
    modules = {path.stem for path in Path(alerts.channels.__file__).parent.glob("*.py")}
    assert {kind.__module__.rpartition(".")[2] for kind in channel_classes()} == modules - {
        "__init__", "channel", "post", "rendering",
    }  # fmt: skip
    for kind in channel_classes():
        assert kind.__doc__ and callable(kind.accepts) and callable(kind.send)


def test_the_terminal_shows_the_notice(capsys: pytest.CaptureFixture[str]) -> None:
    send("terminal://")
    shown = capsys.readouterr().err
    assert "T20260310-001" in shown and "近 6 小时内有 30 位不同发言者" in shown


def gateway(server: Any, **more: Any) -> ChannelSettings:
    return ChannelSettings(name="sms", url=f"{server.url}/send", personal=True, **more)


def test_a_gateway_gets_what_the_settings_say_and_nothing_breaks_out_of_its_place(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("topsecret")
    nasty = msgspec.structs.replace(
        NOTICE, subject='【黄色】","mobile":"999&mobile=999{to}\n', to="139&x=1", link="http://h/n/a"
    )
    more: dict[str, Any] = {
        "headers": {"Authorization": "Bearer {secret}"},
        "secret": Secret(file=str(tmp_path / "token")),
        "success": "code == `0`",
        "error": "message",
    }
    with answering((200, {"code": 0}, {})) as server:
        body = '{"mobile": "{to}", "items": ["{subject}"], "count": 1}'
        open_channel(gateway(server, body=body, **more), 5, to="139").send(nasty)
        assert server.received == [{"mobile": "139&x=1", "items": [nasty.subject], "count": 1}]
        assert server.headers[0]["Authorization"] == "Bearer topsecret"
        form = "mobile={to}&content={short}"
        open_channel(gateway(server, body=form, longest=40, **more), 5, to="139").send(nasty)
        sent = parse_qs(server.bodies[1].decode())
        assert sent["mobile"] == ["139&x=1"] and set(sent) == {"mobile", "content"}
        assert len(sent["content"][0]) <= 40 and sent["content"][0].endswith(" http://h/n/a")
    refusals = ({"code": 7, "message": "号码错误 topsecret"}, {}, b"sent", [1])
    for answer in refusals:
        with answering((200, answer, {})) as server, pytest.raises(DeliveryFailed) as failed:
            open_channel(gateway(server, body="mobile={to}", **more), 5, to="139").send(nasty)
        assert not failed.value.permanent and "topsecret" not in str(failed.value)
    with answering((200, b"OK", {})) as server:
        open_channel(gateway(server, body="mobile={to}", success="@ == 'OK'"), 5, to="139").send(nasty)
    with answering((500, b"", {})) as server, pytest.raises(DeliveryFailed, match="HTTP 500"):
        open_channel(gateway(server, body="mobile={to}"), 5, to="139").send(nasty)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"body": "mobile={to}&x={too}"}, "unknown place {too}"),
        ({"body": '{"mobile": }{to}'}, "begins as JSON and is none"),
        ({"body": "a={to}", "success": "code =="}, "is no JMESPath"),
        ({"body": "a=1"}, "neither its address nor its body has {to}"),
        ({"body": "a={to}", "personal": False}, "add personal = true"),
        ({"body": "a={to}", "url": "mailto://h"}, "a gateway has an http"),
    ],
)
def test_a_wrong_gateway_is_refused_with_what_to_do(given: dict[str, Any], words: str) -> None:
    settings = ChannelSettings(**{"name": "sms", "url": "http://127.0.0.1:9/", "personal": True, **given})
    with pytest.raises(WrongSettings) as refused:
        open_channel(settings, 1, to="139").send(NOTICE)
    assert words in str(refused.value)


def test_a_personal_mail_goes_to_the_person(smtp_server: Any) -> None:
    url = f"mailto://127.0.0.1:{smtp_server.port}?from=minsheng@example.test&to={{to}}"
    settings = ChannelSettings(name="mail", url=url, personal=True)
    for to in ("li@example.test", "zhang@example.test"):
        open_channel(settings, 5, to=to).send(msgspec.structs.replace(NOTICE, to=to))
    assert [mail["To"] for mail in smtp_server.messages] == ["li@example.test", "zhang@example.test"]


@pytest.mark.parametrize("prefix", ["dingtalk+", "wecom+", "feishu+"])
def test_a_title_from_outside_is_no_markup_and_long_texts_keep_the_link(prefix: str) -> None:
    trap = msgspec.structs.replace(
        NOTICE,
        subject="【红色预警】[点此领取](http://evil.test) <font> **x**",
        why="# 假标题\n" + "很长的理由" * 5000,
        items=tuple(f"{number}. 另一件事 [x](y)" for number in range(2000)),
        link="https://h/n/token",
        level="red",
    )
    with answering(OK[prefix]) as server:
        open_channel(ChannelSettings(name="c", url=f"{prefix}{server.url}/x"), 5).send(trap)
        open_channel(ChannelSettings(name="c", url=f"{prefix}{server.url}/x"), 5).send(
            msgspec.structs.replace(trap, to="13900000001")
        )
    for body in server.received:
        text = json.dumps(body, ensure_ascii=False)
        assert "https://h/n/token" in text
        assert "](http://evil.test)" not in text.replace(trap.subject, "")
        limit = 4096 + 200 if prefix == "wecom+" else 20_000
        assert len(text.encode()) < limit
    assert "13900000001" in json.dumps(server.received[1])


def test_texts_are_cut_to_bytes_and_never_within_a_sign() -> None:
    for longest in range(40, 400, 7):
        text = fitted("第一行", ["理由" * 30, "预案" * 30], "链接 http://h", longest)
        assert len(text.encode()) <= longest
        assert text.endswith("链接 http://h")
    assert fitted("一", ["二"], "三", 100) == "一\n二\n三"


def test_who_refuses_a_connection_is_not_told_to_be_slow() -> None:
    with answering(OK[""]) as server:
        closed = server.url
    with pytest.raises(DeliveryFailed, match=r"127\.0\.0\.1 takes no connection"):
        send(closed)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("oa.example did not answer within 10 s", "oa.example 在 10 秒内没有应答"),
        ("oa.example takes no connection", "oa.example 拒绝连接或连不上"),
        ("oa.example answered HTTP 502", "oa.example 返回 HTTP 502"),
        ("DingTalk refused it: errcode 310000, keywords not in content",
         "DingTalk 拒收：errcode 310000, keywords not in content"),
        ("ticket closed before it was sent", "发出之前工单已办结"),
        ("ticket acknowledged before it was sent", "发出之前工单已签收"),
        ("what only the other side knows", "what only the other side knows"),
    ],
)  # fmt: skip
def test_why_a_message_did_not_arrive_is_told_in_chinese(error: str, told: str) -> None:
    assert in_chinese(error) == told
