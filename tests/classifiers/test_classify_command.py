"""`minsheng classify`."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from classifiers.lines import LONGEST_LINE, LineClassifier, read_batches
from classifiers.linking import PolicyLinker
from classifiers.model import Text
from classifiers.ngram import NgramModel
from minsheng.policies import Policy
from minsheng.records import MAX_TEXT, Judgement, scores_of
from tests import commands

POLICY = 'id = "housing"\ntitle = "云河省城镇住房保障办法"\naliases = ["住房新规"]\n'


def run(tmp_path: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return commands.minsheng("--data-dir", str(tmp_path), "classify", *arguments, stdin=stdin)


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_lines_come_back_in_order_with_opinions_and_policies(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "housing.toml").write_text(POLICY, encoding="utf-8")
    texts = [{"id": number, "text": f"住房新规{number}", "extra": {"a": [1]}} for number in range(900)]
    file = tmp_path / "in.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(json.dumps(text) for text in texts).encode()))
    done = run(tmp_path, str(file), "--policies", str(tmp_path / "policies"))
    assert done.returncode == 0, done.stderr
    found = lines(done.stdout)
    assert [{key: one[key] for key in ("id", "text", "extra")} for one in found] == texts
    assert set(found[0]["sentiment"]) == {"label", "scores"}
    (link,) = found[0]["policies"]
    assert (link["id"], link["reason"], link["span"], link["confidence"]) == ("housing", "alias", [0, 4], 0.9)


BAD: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"   \r", "empty"),
    (b"no json", "not a JSON line"),
    (b"[1, 2]", "no JSON object"),
    (b'{"title": "only"}', "missing"),
    (b'{"text": 5}', "strings"),
    (b'{"text": "a", "title": []}', "strings"),
    (b'{"text": " "}', "empty"),
    (b'{"text": "\\ud800"}', "surrogate"),
    (b'{"text": "\xed\xa0\x80"}', "surrogate"),
    (b'{"text": "\xff"}', "not a JSON line"),
    (b'{"text": "' + b"a" * 1_000_000 + b'"}', "longer"),
    (b'{"text": "' + b"a" * (MAX_TEXT + 1) + b'"}', "longer"),
    (b"[" * 100_000, "not a JSON line"),
]


def test_bad_lines_come_back_with_an_error_between_good_ones(tmp_path: Path) -> None:
    good = json.dumps({"text": "好"}).encode()
    done = run(tmp_path, stdin=b"\n".join(part for line, _ in BAD for part in (line, good)))
    assert done.returncode == 0, done.stderr
    found = lines(done.stdout)
    assert len(found) == 2 * len(BAD)
    for (line, reason), bad, fine in zip(BAD, found[::2], found[1::2], strict=True):
        assert reason in bad["error"], line[:40]
        assert "error" not in fine and fine["sentiment"]["label"]


def test_a_bad_line_keeps_what_names_it() -> None:
    (result,) = LineClassifier(NgramModel()).classify([b'{"id": 7, "text": null}'])
    assert json.loads(result)["id"] == 7


class WithStance(NgramModel):
    """The shipped model with a stance, and a sentiment it never stands by."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = (*self.heads, "stance")
        self.thresholds = {"sentiment": 0.99999}

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        return [{**judged, "stance": scores_of("question")} for judged in super().judge(texts)]


def test_a_stance_where_a_policy_is_linked_and_what_the_model_is_not_sure_of() -> None:
    linker = PolicyLinker([Policy(id="housing", title="云河省城镇住房保障办法", aliases=("住房新规",))])
    two = [json.dumps({"text": text}).encode() for text in ("住房新规是什么？", "天气真好")]
    linked, unlinked = (json.loads(line) for line in LineClassifier(WithStance(), linker).classify(two))
    assert linked["stance"]["label"] == "question" and "stance" not in unlinked
    assert linked["sentiment"]["unsure"] is True and "unsure" not in linked["topic"]
    assert "stance" not in json.loads(LineClassifier(WithStance()).classify(two)[0])


def test_a_missing_file_is_wrong_use(tmp_path: Path) -> None:
    done = run(tmp_path, str(tmp_path / "nothing.jsonl"))
    assert done.returncode == 2 and "nothing.jsonl" in done.stderr


def test_wrong_policies_are_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("id = 1", encoding="utf-8")
    done = run(tmp_path, "-", "--policies", str(tmp_path))
    assert done.returncode == 2 and "bad.toml" in done.stderr


def test_a_broken_archive_is_said(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"text": "a"}\n' * 1000)[:-20])
    done = run(tmp_path, str(file))
    assert done.returncode == 2 and "end" in done.stderr


class Trickle(io.RawIOBase):
    """Gives its pieces one at a time, as a slow writer's pipe does."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def read(self, size: int = -1) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"a\nb", b"c\n", b"d"], [[b"a"], [b"bc"], [b"d"]]),
        ([b"a\n\n", b"\n"], [[b"a", b""], [b""]]),
        ([b"x" * LONGEST_LINE, b"xx", b"x\ny\n"], [[None, b"y"]]),
        ([b"x" * LONGEST_LINE, b"xx"], [[None]]),
        ([b"x" * LONGEST_LINE, b"\n"], [[b"x" * LONGEST_LINE]]),
        ([], []),
    ],
)
def test_lines_are_given_on_as_they_come(pieces: list[bytes], expected: list[list[bytes | None]]) -> None:
    assert list(read_batches(Trickle(pieces))) == expected  # type: ignore[arg-type]
