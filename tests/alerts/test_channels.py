"""Every channel: what counts as delivered, what may be tried again, and that no error shows a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import alerts.channels
from alerts.channels import DeliveryFailed, channel_classes, open_channel
from alerts.channels.apprise_url import without_secrets
from alerts.notices import Notice
from minsheng.errors import WrongSettings
from minsheng.settings import ChannelSettings
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
    assert NOTICE.why in mail.get_body(("plain", "html")).get_content()


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
