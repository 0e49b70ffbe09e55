"""`minsheng deadletters`, as a user runs it."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from stream.dead_letters import dead_letter, dead_letter_message
from stream.embedded import EmbeddedLog
from stream.log import DEAD_LETTERS, DOCUMENTS, Received
from stream.messages import document_message
from tests import commands
from tests.stream.small_stages import make_document


def minsheng(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.minsheng("deadletters", *arguments, environ={"MINSHENG_DATA_DIR": str(data)})


def test_list_and_resend(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db")
    log.ensure_topics({DOCUMENTS: 1, DEAD_LETTERS: 1})
    message = document_message(make_document(7))
    letters = [
        dead_letter(
            stage, Received(DOCUMENTS, 0, 12, message.key, message.value, 0), "模型缺失 [bold]", datetime.now(UTC)
        )
        for stage in ("assess", "other")
    ]
    log.producer().send(dead_letter_message(letter) for letter in letters)

    listed = minsheng(tmp_path, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert [letter["id"] for letter in json.loads(listed.stdout)] == ["assess-documents-0-12", "other-documents-0-12"]
    assert json.loads(listed.stdout)[0]["reason"] == "模型缺失 [bold]"
    only = minsheng(tmp_path, "list", "--json", "--stage", "other")
    assert [letter["stage"] for letter in json.loads(only.stdout)] == ["other"]
    assert "[bold]" in minsheng(tmp_path, "list").stdout

    assert minsheng(tmp_path, "resend").returncode == 2
    unknown = minsheng(tmp_path, "resend", "nothing")
    assert unknown.returncode == 2
    assert "there is no dead letter nothing" in unknown.stderr
    assert log.read(DOCUMENTS) == []

    assert minsheng(tmp_path, "resend", "assess-documents-0-12").returncode == 0
    (again,) = log.read(DOCUMENTS)
    assert (again.key, again.value) == (message.key, message.value)
    assert json.loads(minsheng(tmp_path, "resend", "--all", "--json").stdout) == ["other-documents-0-12"]
    assert json.loads(minsheng(tmp_path, "list", "--json").stdout) == []
    assert len(json.loads(minsheng(tmp_path, "list", "--json", "--resent").stdout)) == 2
    log.close()
