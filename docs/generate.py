"""Makes the reference pages that are taken from the code: `python docs/generate.py`. A test fails when they are old."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from alerts.rules.model import FACTS, PARTS, SCOPES
from alerts.rules.reading import default_text
from console.api.describing import document
from console.api.routers import ROUTERS
from minsheng import settings
from minsheng.cli.app import program
from minsheng.records import json_schema

REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/generate.py: change the code, not this page. -->\n"


def pages() -> dict[str, str]:
    """File name in docs/reference → content."""
    return {
        "records.schema.json": json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n",
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "rules.md": rules_page(),
        "api.md": api_page(),
    }


def api_page() -> str:
    """Every operation of the API, as its OpenAPI description tells of it."""
    described = document(ROUTERS)
    parts = [MADE, "# The API\n", described["info"]["description"]]
    parts.append("The whole of it, with every field, stands in `/api/v1/openapi.json` (OpenAPI 3.1).\n")
    parts.append("| method and path | right | |\n|---|---|---|")
    operations = [
        (path, method.upper(), operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    parts += [
        f"| `{method} {path}` | {one.get('x-minsheng-right', 'all')} | {one['summary']} |"
        for path, method, one in operations
    ]
    for path, method, one in operations:
        parts.append(f"\n## {method} {path}\n\n{one['summary']}. {one['description']}\n")
        rows = [
            f"| `{each['name']}` | {each['in']}{', required' if each.get('required') else ''} | "
            f"{each.get('description', '')} |"
            for each in one.get("parameters", ())
        ]
        if rows:
            parts += ["| parameter | in | |\n|---|---|---|", *rows, ""]
        media = one.get("requestBody", {}).get("content", {}).get("application/json")
        if media:
            parts.append(f"Takes:\n\n```json\n{json.dumps(media['example'], ensure_ascii=False, indent=2)}\n```\n")
        parts.append(f"Answers {', '.join(one['responses'])}.")
    return "\n".join(parts) + "\n"


def rules_page() -> str:
    """What rules may ask for, and the shipped rules."""
    facts = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in FACTS.items())
    scopes = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in SCOPES.items())
    return (
        f"{MADE}\n# Rules\n\nHow to write them: [write a rule](../how-to/write-a-rule.md).\n\n"
        f"| scope | what is judged |\n|---|---|\n{scopes}\n\n| fact | what it is |\n|---|---|\n{facts}\n"
        f"| `part.NAME` | the score of one part, 0 to 1: {', '.join(PARTS)} |\n"
        "| `words.NAME` | voices that the list of watch words `[words.NAME]` fits |\n\n"
        f"## The shipped rules\n\n```toml\n{default_text()}```\n"
    )


SETTINGS_INTRODUCTION = """\
# Settings

All settings lie in one TOML file, `minsheng.toml` in the data folder, or the file that `--settings` or
`MINSHENG_SETTINGS` names. None is needed: what is not set has the default given here. The data folder itself is chosen
by `--data-dir` or `MINSHENG_DATA_DIR`; default `minsheng-data` in the working folder.

Each setting can be overridden by an environment variable: `MINSHENG_`, the section, two underscores, the key.
`MINSHENG_STREAM__KIND=kafka` sets `kind` in `[stream]`. Lists and tables are written as TOML (`["a", "b"]`), lists also
with commas (`a,b`); an empty text unsets what may be unset.

An unknown key stops the program with the nearest right name. A secret is never written into the settings: it names the
place that holds it, `{ file = "/etc/minsheng/kafka-password" }` or `{ env = "KAFKA_PASSWORD" }`.
"""


class Setting:
    """One key as it stands in the code."""

    def __init__(self, node: ast.AnnAssign, lines: list[str]) -> None:
        assert isinstance(node.target, ast.Name)
        self.name = node.target.id
        self.annotation = ast.unparse(node.annotation)
        self.default = ast.unparse(node.value) if node.value else None
        trailing = lines[(node.end_lineno or node.lineno) - 1].partition("  # ")[2]
        self.meaning = trailing.strip() or self._above(node.lineno - 2, lines)

    @staticmethod
    def _above(number: int, lines: list[str]) -> str:
        found: list[str] = []
        while lines[number].strip().startswith("# "):
            found.insert(0, lines[number].strip()[2:])
            number -= 1
        return " ".join(found)


class Table:
    """A section of the settings, or a table within one. Tables of the same shape share a page entry: `places`."""

    def __init__(self, place: str, kind: type[settings.Section]) -> None:
        self.places = [place]
        self.kind = kind
        self.explanation = inspect.cleandoc(kind.__doc__ or "")
        source = inspect.getsource(kind)
        (node,) = ast.parse(source).body
        assert isinstance(node, ast.ClassDef)
        lines = source.split("\n")
        self.settings = [Setting(each, lines) for each in node.body if isinstance(each, ast.AnnAssign)]


def tables() -> list[Table]:
    """All tables of the settings file, in its order."""
    found: dict[type[settings.Section], Table] = {}

    def walk(place: str, kind: type[settings.Section]) -> None:
        if kind in found:
            found[kind].places.append(place)
            return
        found[kind] = Table(place, kind)
        for setting in found[kind].settings:
            inner = re.sub(r"^tuple\[(\w+), \.\.\.\]$", r"\1", setting.annotation)
            below = getattr(settings, inner, None)
            if isinstance(below, type) and issubclass(below, settings.Section):
                walk(f"{place}.{setting.name}", below)

    for name, kind in settings.SECTIONS.items():
        walk(name, kind)
    return list(found.values())


TYPES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`true` or `false`",
    "date": "day",
    "Count": "whole number, at least 1",
    "Seconds": "number of seconds, above 0",
    "Minutes": "number of minutes, above 0",
    "Share": "number from 0 to 1",
    "NotNegative": "number, at least 0",
    "Secret": "secret",
    "None": "unset",
}


def type_words(annotation: str) -> str:
    """A type as a person who writes a settings file knows it."""
    if annotation.endswith(" | None"):
        return f"{type_words(annotation[: -len(' | None')])}, may be unset"
    if literal := re.fullmatch(r"Literal\[(.*)\]", annotation):
        return " or ".join(f"`{word.strip()[1:-1]}`" for word in literal[1].split(","))
    if listed := re.fullmatch(r"tuple\[(.*), \.\.\.\]", annotation):
        return f"list of {type_words(listed[1])}"
    if limited := re.fullmatch(r"Annotated\[(\w+), msgspec\.Meta\((.*)\)\]", annotation):
        limits = limited[2].replace("ge=", "at least ").replace("le=", "at most ").replace("gt=", "above ")
        return f"{TYPES[limited[1]]}, {limits}"
    return TYPES.get(annotation, "table")


def default_words(table: Table, setting: Setting) -> str:
    """A default as TOML, or in words where TOML has none."""
    if setting.default is None:
        return "must be set"
    field = msgspec.structs.fields(table.kind)[[each.name for each in table.settings].index(setting.name)]
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if default is None or default == {}:
        return ""
    plain = msgspec.to_builtins(default)
    if isinstance(plain, dict):
        return f"`{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in plain.items())} }}`"
    return f"`{json.dumps(plain, ensure_ascii=False)}`"


def settings_page() -> str:
    parts = [MADE, SETTINGS_INTRODUCTION]
    for table in tables():
        parts.append(f"\n## {', '.join(f'[{place}]' for place in table.places)}\n\n{table.explanation}\n")
        parts.append("| key | meaning | type | default |\n|---|---|---|---|")
        parts += [
            f"| `{each.name}` | {each.meaning} | {type_words(each.annotation)} | {default_words(table, each)} |"
            for each in table.settings
        ]
    return "\n".join(parts) + "\n"


COMMANDS_INTRODUCTION = """\
# Commands

Every command takes the global options before its name: `minsheng --data-dir DIR search 供暖`. Where a command prints
data, `--json` prints it for programs. Messages and progress go to standard error.

Exit codes: 0 done; 1 the work failed; 2 wrong use (a wrong option, setting or file); 130 stopped by the user.
`minsheng --install-completion` sets up completion for your shell.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """All commands with their full names, the program itself first."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for inner in getattr(command, "commands", {}).values():
            if not inner.hidden:
                yield from walk(f"{name} {inner.name}", inner)

    yield from walk("minsheng", program())


def parameters(command: Any) -> list[tuple[str, str]]:
    """Each argument and option of a command with its help."""
    found = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False) or parameter.name in ("install_completion", "show_completion", "help"):
            continue
        if parameter.param_type_name == "argument":
            name = (parameter.metavar or parameter.name.upper()) + ("" if parameter.required else " (optional)")
        else:
            name = ", ".join([*parameter.opts, *parameter.secondary_opts])
        words = parameter.help or ""
        if parameter.param_type_name == "option" and parameter.default not in (None, False, (), [], ""):
            default = getattr(parameter.default, "value", parameter.default)
            if not callable(default):
                words = f"{words} Default: `{default}`."
        found.append((name, words.replace("|", "\\|").replace("\n", " ")))
    return found


def commands_page() -> str:
    parts = [MADE, COMMANDS_INTRODUCTION]
    for name, command in commands():
        explanation = inspect.cleandoc(command.help or "").replace("\f", "")
        parts.append(f"\n## {name}\n\n{explanation}\n")
        rows = parameters(command)
        if rows:
            parts.append("| | |\n|---|---|")
            parts += [f"| `{each}` | {words} |" for each, words in rows]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for file_name, content in pages().items():
        (REFERENCE / file_name).write_text(content, encoding="utf-8")
        print(f"docs/reference/{file_name}")
