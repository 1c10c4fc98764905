"""Typed errors that old ``except RuntimeError`` and ``except ValueError`` clauses still catch."""

from __future__ import annotations

from deephealth.core.errors import DeepHealthError

__all__ = ["EddlError", "EddlOnnxError", "EddlShapeError", "EddlUnsupportedError", "EddlValueError"]


class EddlError(DeepHealthError, RuntimeError):
    """An operation that the original refused with a ``RuntimeError``.

    Args:
        title: what the original called the place, such as ``"Net.fit"``; the message begins ``RuntimeError: Net.fit``.
        what: what was wrong.
        allowed: what would have been right.
        hint: what to do next.

    Example:
        >>> print(EddlError("Net.fit", "the net is not built", hint="call eddl.build(net, ...) first"))
        RuntimeError: Net.fit: the net is not built
          do next: call eddl.build(net, ...) first
    """

    def __init__(self, title: str, what: str, *, allowed: str | None = None, hint: str | None = None) -> None:
        self.title = title
        super().__init__(f"RuntimeError: {title}: {what}", allowed=allowed, hint=hint)


class EddlShapeError(EddlError):
    """Shapes that do not fit; the message names the layer or argument, what was wanted and what was given."""


class EddlOnnxError(EddlError):
    """An ONNX file that cannot be read, written or understood."""


class EddlUnsupportedError(EddlError, NotImplementedError):
    """Hardware or a service that this package replaces by something else; the message says by what."""


class EddlValueError(DeepHealthError, ValueError):
    """A name or number that is not one of the allowed ones, where the original raised ``ValueError``."""
