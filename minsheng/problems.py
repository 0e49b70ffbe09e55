"""What is wrong, by a code: one sentence for command lines and programs, and the same one for the duty room."""

from __future__ import annotations

from pathlib import PurePath

from minsheng.problem_messages import MESSAGES


class Problem:
    """An error's message that can be told in Chinese, too.

    Parameters
    ----------
    code:
        Which of `MESSAGES`.
    values:
        What the sentences name.

    Examples
    --------
    >>> problem = Problem("ticket-unknown", ticket="T1")
    >>> print(problem, problem.chinese)
    there is no ticket T1 没有工单 T1。
    """

    def __init__(self, code: str, /, **values: object) -> None:
        self.code = code
        self.values = values
        english, chinese = MESSAGES[code]
        self.english = english.format(**values)
        self.chinese = chinese.format(**values)

    def __str__(self) -> str:
        return self.english

    def without(self, text: str) -> Problem:
        """The same where nothing that it names holds `text`: where a file lies for a moment, say."""
        return Problem(self.code, **{
            name: str(value).replace(text, "") if isinstance(value, str | PurePath) else value
            for name, value in self.values.items()
        })  # fmt: skip
