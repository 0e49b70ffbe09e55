"""The command line's frame: exit codes, messages, JSON; with the commands of the register as the example."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from minsheng.cli import app, context
from tests.stores import lay_store


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Outcome]


@pytest.fixture
def minsheng(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    root = logging.getLogger()

    def run(*words: str) -> Outcome:
        handlers, level = root.handlers[:], root.level
        monkeypatch.setattr(sys, "argv", ["minsheng", "--data-dir", str(tmp_path / "data"), *words])
        try:
            app.main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        finally:
            # Commands log to their own standard error, which is gone when they have ended.
            root.handlers[:] = handlers
            root.setLevel(level)
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Outcome(code, out.decode(), err.decode())

    return run


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    lay_store(tmp_path / "data" / "store.db")
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.toml").write_text(
        'id = "a"\ntitle = "云岭市[bold]供暖[/bold]办法"\nsuccessor = "z"\n', encoding="utf-8"
    )
    return folder


def test_policies_are_imported_listed_and_shown(minsheng: Run, policies: Path) -> None:
    imported = minsheng("policies", "import", str(policies), "--json")
    assert imported.code == 0
    assert json.loads(imported.out)["added"] == ["a"]
    assert "successor z is not in the register" in imported.err
    assert "1 as before" in minsheng("policies", "import", str(policies)).out
    listed = minsheng("policies", "list", "--json")
    assert [(policy["id"], policy["stage"]) for policy in json.loads(listed.out)] == [("a", "in_force")]
    # Texts from files are data: never read as the terminal's markup.
    assert "[bold]" in minsheng("policies", "show", "a").out
    assert json.loads(minsheng("policies", "show", "a", "--json").out)["title"] == "云岭市[bold]供暖[/bold]办法"


def test_a_repealed_policy_shows_what_took_its_place(minsheng: Run, policies: Path) -> None:
    (policies / "z.toml").write_text('id = "z"\ntitle = "供暖新办法"\nnumber = "云岭发[2026]8号"\n', encoding="utf-8")
    assert minsheng("policies", "import", str(policies)).err == ""
    assert "z 云岭发〔2026〕8号《供暖新办法》 现行有效" in minsheng("policies", "show", "a").out
    shown = json.loads(minsheng("policies", "show", "a", "--json").out)
    assert [policy["id"] for policy in shown["successors"]] == ["z"]


def test_a_wrong_file_is_wrong_use_and_writes_nothing(minsheng: Run, policies: Path) -> None:
    (policies / "b.toml").write_text('id = "b"\ntitle = "x"\nstag = "draft"\n', encoding="utf-8")
    outcome = minsheng("policies", "import", str(policies))
    assert outcome.code == 2
    assert "b.toml:3: unknown key 'stag', did you mean 'stage'?" in outcome.err
    assert "Traceback" not in outcome.err
    assert json.loads(minsheng("policies", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["policies", "show", "none"], "there is no policy 'none'"),
        (["policies", "import", "/nowhere"], "there is no policy file or folder /nowhere"),
        (["policies", "shwo"], "No such command"),
        (["policies", "list", "--jsn"], "No such option"),
        (["--settings", "/nowhere.toml", "policies", "list"], "there is no settings file"),
    ],
)
def test_wrong_use_is_2_and_says_what_is_wrong(minsheng: Run, words: list[str], part: str) -> None:
    outcome = minsheng(*words)
    assert outcome.code == 2
    assert part in outcome.err
    assert outcome.out == ""


def test_work_that_failed_is_1_with_what_to_do(minsheng: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINSHENG_STORE__KIND", "postgresql")
    monkeypatch.setenv("MINSHENG_STORE__PORT", "9")
    outcome = minsheng("policies", "list")
    assert outcome.code == 1
    assert "store: postgresql+pg8000://" in outcome.err
    assert "→" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_file_that_cannot_be_written_is_told_in_a_line(minsheng: Run, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "labels.csv"
    found = minsheng("labels", "export", str(target))
    assert found.code == 1
    assert found.err.splitlines()[-1] == f"minsheng: {target}: No such file or directory"


def test_the_users_stop_is_130(minsheng: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(context, "store", stop)
    assert minsheng("policies", "list").code == 130


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m minsheng.cli.app --data-dir {tmp_path} policies list --json | head -c 0"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_help_and_version_need_no_data_folder(minsheng: Run, tmp_path: Path) -> None:
    assert "minsheng 0." in minsheng("--version").out
    assert "policies" in minsheng("--help").out
    assert not (tmp_path / "data").exists()


def modules(statement: str) -> set[str]:
    """What a fresh Python has imported after `from minsheng.cli import app` and the statement."""
    code = f"import sys; from minsheng.cli import app; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_command_line_starts_without_heavy_libraries() -> None:
    heavy = {"sklearn", "scrapy", "kafka", "elasticsearch", "trafilatura", "apprise", "sqlalchemy", "alembic", "jinja2"}
    found = modules("list(app.program().commands.values())")
    assert {f"minsheng.cli.{place.partition(':')[0]}" for place in app.COMMANDS.values()} <= found
    assert found & heavy == set()


def test_a_call_loads_its_own_commands_alone() -> None:
    found = modules("app.program()(['channels', '--help'], standalone_mode=False)")
    own = {f"minsheng.cli.{name}" for name in ("app", "channels", "context", "loading")}
    assert {name for name in found if name.startswith("minsheng.cli.")} == own


def test_a_wrong_command_is_answered_with_those_that_are_near(minsheng: Run) -> None:
    assert "Did you mean 'tickets', 'notices'?" in minsheng("ticket", "list").err
    assert "Did you mean 'list', 'split'?" in minsheng("tickets", "lits").err


@pytest.mark.parametrize(
    ("words", "offered"), [("ti", "tickets"), ("channels l", "list"), ("tickets sig", "sign-sheet")]
)
def test_completion_offers_commands_of_every_group(
    words: str, offered: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_MINSHENG_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"minsheng {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    with pytest.raises(SystemExit):
        app.program()(prog_name="minsheng")
    assert capsys.readouterr().out.split() == [offered]
