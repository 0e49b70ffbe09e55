"""The commands and settings that docs/how-to/deploy.md names exist."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from minsheng.cli.app import app
from minsheng.settings import load_settings

GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")


def test_its_commands_exist() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"`minsheng (\w+)", GUIDE)) | set(re.findall(r"docker compose run .* crawl (\w+)", GUIDE))
    assert named and named <= known


def test_its_settings_file_is_understood(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.S)
    file = tmp_path / "minsheng.toml"
    file.write_text(block, encoding="utf-8")
    settings = load_settings(file=file, environ={})
    assert (settings.stream.kind, settings.search.kind, settings.store.kind) == ("kafka", "elasticsearch", "postgresql")


def test_its_variables_are_settings() -> None:
    for name in re.findall(r"MINSHENG_\w+__\w+", GUIDE):
        try:
            load_settings(environ={name: "1"})
        except Exception as error:
            assert "unknown" not in str(error), name
