"""Every error a user can meet.

AuditError            1   something failed; the message says what and where, the hint what to do
├── ConfigError       2   a flag or `audit.toml` is wrong
├── ConsentError      2   content would leave the machine and nobody agreed
├── ReadError         1   nothing usable in the input
├── StoreError        1   the audit file can't be opened, read or written
├── PriceError        1   a price can't be established
├── ReplayError       1   an endpoint can't be used
├── BudgetError       1   a spending cap would be passed
├── GateError         3   a check the user asked for is not met
└── Interrupted       4   stopped by the user, a spending cap or an endpoint on the way; finished work is kept
"""

from __future__ import annotations


class ReaderGoneError(BrokenPipeError):
    """Whoever read what is printed has closed the pipe; no failure, and never shown."""


class AuditError(Exception):
    """A failure with a message for the user, a hint what to do next, and the process exit code."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(AuditError):
    """A flag or a setting in `audit.toml` is wrong."""

    exit_code = 2


class ConsentError(AuditError):
    """Content would be sent to an endpoint and nobody agreed; nothing was sent."""

    exit_code = 2


class ReadError(AuditError):
    """No record of the input could be used."""


class StoreError(AuditError):
    """The audit file can't be opened, read or written."""


class PriceError(AuditError):
    """A price can't be established."""


class ReplayError(AuditError):
    """A model endpoint can't be used."""


class BudgetError(AuditError):
    """The next call could pass the spending cap; nothing more was sent."""


class GateError(AuditError):
    """A condition the user asked to be checked does not hold."""

    exit_code = 3


class Interrupted(AuditError):  # noqa: N818 - not an error, the user's own wish
    """The user or a spending cap stopped the command; finished work is kept and the command can be run again."""

    exit_code = 4
