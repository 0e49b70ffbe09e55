"""`minsheng doctor`: is everything well, and what is to be done?"""

from __future__ import annotations

import typer

from minsheng.cli import context
from minsheng.errors import WrongSettings

_MARKS = {"ok": "✓", "pending": "…", "warning": "!", "broken": "✗"}


def doctor(json: bool = context.JSON_OPTION) -> None:
    """Check every part and say what to do. Exit code 1 if something is broken."""
    from minsheng.clock import SystemClock
    from minsheng.doctor import Finding, examine

    try:
        settings = context.settings()
    except WrongSettings as error:
        findings = [Finding(part="settings", state="broken", message=error.message, advice=error.hint)]
    else:
        findings = list(examine(settings, SystemClock()))
    well = all(finding.state != "broken" for finding in findings)
    if json:
        context.print_json({"ok": well, "findings": findings})
    else:
        context.print_table(
            "minsheng doctor",
            ("", "part", "what was found", "what to do"),
            [(_MARKS[finding.state], finding.part, finding.message, finding.advice) for finding in findings],
        )
    if not well:
        raise typer.Exit(1)
