"""Which applications ask the same: on wordings that we wrote, half of them after the threshold was chosen."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest

from answers.encoding import encoder
from disclosure.matters import essence, group

WORDINGS = tomllib.loads(Path(__file__).with_name("wordings.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("title", "content", "essential"),
    [
        ("", "本人依法申请公开东河村征地补偿安置方案的相关信息。", "东河村征地补偿安置方案"),
        ("请求公开12路公交线路调整的依据", "", "12路公交线路调整的依据"),
        ("", "现向贵局申请公开花园小区规划许可证", "花园小区规划许可证"),
        ("信息公开", "", "信息公开"),
        ("", "", ""),
    ],
)
def test_what_every_application_says_is_left_out(title: str, content: str, essential: str) -> None:
    assert essence(title, content) == essential


@pytest.mark.parametrize(("half", "precision", "recall"), [("develop", 0.6, 0.6), ("held_out", 0.6, 0.6)])
def test_what_is_put_together_belongs_together(half: str, precision: float, recall: float) -> None:
    labelled = [(name, text) for name, texts in WORDINGS[half].items() for text in texts]
    matters = group([essence("", text) for _, text in labelled], encoder())
    pairs = list(itertools.combinations(range(len(labelled)), 2))
    same = {pair for pair in pairs if labelled[pair[0]][0] == labelled[pair[1]][0]}
    put = {pair for pair in pairs if matters[pair[0]] == matters[pair[1]]}
    print(f"{half}: {len(labelled)} wordings, precision {len(put & same) / len(put):.2f}, "
          f"recall {len(put & same) / len(same):.2f}")  # fmt: skip
    assert len(put & same) / len(put) >= precision
    assert len(put & same) / len(same) >= recall


def test_the_same_text_is_one_matter() -> None:
    assert group(["三公经费", "公交线路", "三公经费"], encoder()) == [0, 1, 0]
    assert group([], encoder()) == []
