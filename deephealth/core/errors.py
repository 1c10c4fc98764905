"""Typed errors: each says what was wrong, what was allowed, and what to do next.

Every error that deephealth raises on purpose is a :class:`DeepHealthError`, and also a subclass of the built-in that
ordinary Python code would expect (``ValueError``, ``FileNotFoundError``, ...).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

__all__ = [
    "AuditError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DeepHealthError",
    "DeviceError",
    "ExportError",
    "Interrupted",
    "LeakError",
    "LimitError",
    "MissingDataError",
    "ModelError",
    "NonFiniteLossError",
    "OptionalDependencyError",
    "QuarantineError",
    "StorageError",
    "UnknownLayoutError",
    "UnknownNameError",
    "UnreadableFileError",
    "VaultError",
    "did_you_mean",
]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known words, or lists all of them when none is near.

    Args:
        word: what the user wrote.
        known: what was allowed.

    Example:
        >>> did_you_mean("adamW", ["adam", "adamw", "sgd"])
        "did you mean 'adamw'?"
        >>> did_you_mean("zzz", ["b", "a"])
        "choose one of 'a', 'b'"
    """
    names = sorted(set(known))
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    if word.lower() in by_lower:
        near = [word.lower()]
    if near:
        return "did you mean " + " or ".join(f"'{by_lower[key]}'" for key in near) + "?"
    if not names:
        return "nothing is registered here"
    listed = ", ".join(f"'{name}'" for name in names[:20])
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"choose one of {listed}{more}"


class DeepHealthError(Exception):
    """Base of every error raised on purpose.

    Args:
        what: what was wrong, with the offending value or file in it.
        allowed: what would have been right.
        hint: what to type or change next.

    Example:
        >>> print(DeepHealthError("batch size is 0", allowed="a whole number above 0", hint="set data.batch_size=32"))
        batch size is 0
          allowed: a whole number above 0
          do next: set data.batch_size=32
    """

    def __init__(self, what: str, *, allowed: str | None = None, hint: str | None = None) -> None:
        self.what = what
        self.allowed = allowed
        self.hint = hint
        lines = [what]
        if allowed:
            lines.append(f"  allowed: {allowed}")
        if hint:
            lines.append(f"  do next: {hint}")
        super().__init__("\n".join(lines))

    def __str__(self) -> str:  # KeyError and friends would print a repr instead of the message
        return str(self.args[0])


class ConfigError(DeepHealthError, ValueError):
    """A configuration is wrong; all its mistakes are in ``problems``, each with its path.

    Args:
        problems: one line per mistake, ``path: what is wrong``.
        source: the file or name the configuration came from.
    """

    def __init__(self, problems: Iterable[str], *, source: str = "the configuration") -> None:
        self.problems = list(problems)
        count = len(self.problems)
        listed = "\n".join(f"  {number}. {line}" for number, line in enumerate(self.problems, 1))
        super().__init__(
            f"{count} mistake{'s' if count != 1 else ''} in {source}:\n{listed}",
            hint="correct the lines above; `deephealth train ... --print-config` shows the merged configuration",
        )


class UnknownNameError(DeepHealthError, KeyError):
    """A name is not registered; the nearest ones are suggested.

    Args:
        kind: what sort of thing was asked for, such as ``"model"``.
        name: what was asked for.
        known: the registered names.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"unknown {kind} '{name}'", hint=did_you_mean(name, known))


class OptionalDependencyError(DeepHealthError, ImportError):
    """A package that only some features need is not installed; the message holds the pip line."""


class DataError(DeepHealthError, ValueError):
    """A data set is inconsistent."""


class MissingDataError(DataError, FileNotFoundError):
    """A folder or file that a data set needs does not exist."""


class UnknownLayoutError(DataError):
    """A folder exists, and none of the layouts that the use case reads was recognised in it."""


class UnreadableFileError(DataError, OSError):
    """A file exists and can't be decoded."""


class LimitError(DataError):
    """A file asks for more pixels, bytes or frames than the limits allow (decompression bombs)."""


class LeakError(DataError):
    """One patient (or lesion) stands in two splits."""


class ModelError(DeepHealthError, ValueError):
    """A model can't be built, saved or loaded as asked."""


class CheckpointError(DeepHealthError, RuntimeError):
    """A checkpoint is damaged, incomplete, or belongs to another run."""


class NonFiniteLossError(DeepHealthError, ArithmeticError):
    """The loss became NaN or infinite; training stopped at that step."""


class DeviceError(DeepHealthError, RuntimeError):
    """The accelerator that was asked for is not there."""


class StorageError(DeepHealthError, OSError):
    """Writing failed: the disk is full, or the folder can't be written."""


class VaultError(DeepHealthError, RuntimeError):
    """The vault of pseudonyms is missing, locked, damaged, or belongs to another project: nothing runs without it."""


class AuditError(DeepHealthError, RuntimeError):
    """The audit log can't be written, or what is in it was changed: nothing is done that can't be recorded."""


class QuarantineError(DataError):
    """A file may not enter the data lake.

    Args:
        reason: a word from :class:`deephealth.lake.reasons.Reason`, by which quarantined files are counted.
        what: what was found; never holds an identifier's value.
        allowed: as in :class:`DeepHealthError`.
        hint: as in :class:`DeepHealthError`.
    """

    def __init__(self, reason: str, what: str, *, allowed: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, allowed=allowed, hint=hint)
        self.reason = reason

    def __reduce__(self) -> tuple[Callable[..., QuarantineError], tuple[str, str, str | None, str | None]]:
        return _quarantine_error, (self.reason, self.what, self.allowed, self.hint)


def _quarantine_error(reason: str, what: str, allowed: str | None, hint: str | None) -> QuarantineError:
    """Build the error again in another process: an exception with named arguments can't be unpickled by itself."""
    return QuarantineError(reason, what, allowed=allowed, hint=hint)


class ExportError(DeepHealthError, RuntimeError):
    """An exported model could not be written, or differs from the original."""


class Interrupted(DeepHealthError, KeyboardInterrupt):  # noqa: N818 - not an error: the user asked for it
    """The user stopped the run; everything is saved and the hint says how to resume."""
