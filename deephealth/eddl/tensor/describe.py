"""Documentation of methods that are made from a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["RESULT_DIFFERS", "describe"]

_SHAPES = "the shapes or devices differ."
RESULT_DIFFERS: Mapping[str, str] = {"EddlShapeError": _SHAPES}


def describe(
    function: Callable[..., Any],
    name: str,
    summary: str,
    *,
    args: Mapping[str, str] | None = None,
    raises: Mapping[str, str] | None = None,
    example: Sequence[str] = (),
) -> None:
    """Name a function as a method of Tensor and write its documentation.

    Args:
        function: the function.
        name: the method's name.
        summary: one sentence.
        args: what each argument is.
        raises: when each error is raised.
        example: lines of a Python session, without the prompts; the last one is the output.

    Example:
        >>> def method(): return 1
        >>> describe(method, "one", "Return 1.", example=["Tensor.one()", "1"])
        >>> method.__qualname__, method.__doc__.splitlines()[-1]
        ('Tensor.one', '    1')
    """
    lines = [summary]
    for title, entries in (("Args", args), ("Raises", raises)):
        if entries:
            lines += ["", f"{title}:", *(f"    {key}: {text}" for key, text in entries.items())]
    if example:
        session = [f"    >>> {line}" for line in ("from deephealth.eddl.tensor import *", *example[:-1])]
        lines += ["", "Example:", *session, f"    {example[-1]}"]
    function.__name__, function.__qualname__, function.__doc__ = name, f"Tensor.{name}", "\n".join(lines)
