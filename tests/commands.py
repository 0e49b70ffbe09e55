"""The command line, run in this process: as users type it, without a second's start of Python for each command."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from minsheng.cli import app


def minsheng(
    *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """What `minsheng ARGUMENTS` prints and how it ends, by the very entry point that the installed command calls.

    Parameters
    ----------
    environ:
        Variables of the command beside those of this process that are not Minsheng's.
    cwd:
        The folder it runs in.
    stdin:
        What is typed.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINSHENG_")}
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in set(os.environ) - set(kept):
            patch.delenv(name)
        for name, value in {"COLUMNS": "200", **(environ or {})}.items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        patch.setattr(sys, "argv", ["minsheng", *arguments])
        try:
            app.main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
    return subprocess.CompletedProcess(arguments, code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
