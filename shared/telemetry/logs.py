"""Structured logs: one JSON object a line, with the ids of the request, task and subtask that are worked on."""

import logging
import sys

import structlog

from shared.telemetry import trace


def _add_ids(_logger: object, _method: str, entry: structlog.types.EventDict) -> structlog.types.EventDict:
    return {**trace.ids(), **entry}


def configure_logs(level: str) -> None:
    """Send every log of the process, structured, to standard error."""
    shared_processors: list[structlog.types.Processor] = [
        _add_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
