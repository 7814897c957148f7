"""Logging: one line an event, to stderr; JSON when stderr is no terminal and ANTIPHON_LOG=json."""

from __future__ import annotations

import logging
import os
import sys

import structlog


def configure_logging() -> None:
    """Set structlog up for this process."""
    as_json = os.environ.get("ANTIPHON_LOG") == "json"
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def only_warnings() -> None:
    """Leave out what is usual: for commands whose output is read by people or programs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
