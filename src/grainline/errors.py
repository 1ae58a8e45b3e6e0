"""One tree of errors. Each message says what was given, what is allowed and what to do next.

GrainlineError
+-- UsageError          a call or a command line that cannot be meant (exit status 2)
+-- NotFoundError       no such library, source, document or agent
+-- UnreadableError     a file that cannot be read, with the reason; the rest of an add goes on
|   +-- LimitError      a file beyond a named limit
+-- PatternError        a regular expression that the engine refuses
+-- QueryError          a statement of SQL that is refused, fails or takes too long
+-- BusyError           another process is writing to the library
+-- DamagedError        bytes of the library are not what was written; `grainline doctor` mends
+-- StorageError        the disk is full, read-only or failing; nothing was changed
+-- ModelError          a model that cannot be made, cannot be reached or answers what it should not
+-- MissingExtraError   an optional dependency that is not installed
"""

from __future__ import annotations


class GrainlineError(Exception):
    """Root of all errors that Grainline raises on purpose."""


class UsageError(GrainlineError):
    """A call that cannot be meant."""


class NotFoundError(GrainlineError):
    """Nothing goes by that name."""


class UnreadableError(GrainlineError):
    """A file that cannot be read."""


class LimitError(UnreadableError):
    """A file beyond one of `Limits`."""

    def __init__(self, name: str, value: int, limit: int) -> None:
        super().__init__(f"{name.replace('_', ' ')}: {value:,} is over the limit of {limit:,} (--max-{name.replace('_', '-')})")


class PatternError(GrainlineError):
    """A regular expression that the linear-time engine refuses."""


class QueryError(GrainlineError):
    """A statement of SQL that may not run, cannot run, or did not end in time."""


class BusyError(GrainlineError):
    """Another process is writing."""


class DamagedError(GrainlineError):
    """Stored bytes fail their check."""


class StorageError(GrainlineError):
    """The disk refused a write or a read; the library is as it was."""


class ModelError(GrainlineError):
    """A model that cannot be made, cannot be reached, or answers what it should not."""


class MissingExtraError(GrainlineError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'grainline[{extra}]'")
