"""Structured logs: one JSON line an event, or readable lines on a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

from minsheng.redaction import redacted

Format = Literal["auto", "json", "text"]


def configure_logs(level: str = "info", format: Format = "auto") -> None:  # noqa: A002 - the setting's name
    """Send the project's and its libraries' logs to standard error.

    Parameters
    ----------
    level:
        debug, info, warning or error.
    format:
        `json`, `text`, or `auto`: text on a terminal, JSON elsewhere.
    """
    as_text = format == "text" or (format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if as_text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last, _without_secrets],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These speak at every poll and request; their warnings still come through.
    for noisy in (
        "kafka",
        "elastic_transport",
        "elasticsearch",
        "alembic",
        "scrapy",
        "apscheduler",
        "urllib3",
        "trafilatura",
        "htmldate",
        "courlan",
        "asyncio",
        "filelock",
        "py.warnings",
        "twisted",
        "apprise",
        "weasyprint",
        "fontTools",
        "matplotlib",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("apscheduler.scheduler").addFilter(_worth_telling)


def _worth_telling(line: logging.LogRecord) -> bool:
    """Not that a job of each second still ran when its next turn came: the turn after that finds all that is due."""
    return "maximum number of running instances" not in line.getMessage()


def _without_secrets(_logger: object, _method: str, line: object) -> str:
    """The finished line: nothing that was put into it, a traceback neither, shows an address's secrets."""
    return redacted(str(line))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one module: `log = get_logger(__name__)`, then `log.info("event_name", key=value)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
