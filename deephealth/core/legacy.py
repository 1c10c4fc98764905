"""How a face of an older library tells what it has and where it differs: rows for its documentation and its tests."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Difference", "Entry", "Stance", "Status", "describe", "status_among"]

Stance = Literal["KEEP", "FIX", "LIFT", "REPLACE"]
Status = Literal["same", "fixed", "lifted", "replaced"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One quirk of the original, and what is done about it.

    Args:
        name: its short name.
        stance: ``KEEP``: unusual but meant, the same in both modes; ``FIX``: the original is wrong, right by default
            and wrong again in strict mode; ``LIFT``: the original refuses or crashes, here it works in both modes;
            ``REPLACE``: what is not supported, with something else in its place.
        original: what the original did.
        default: what this package does.
        strict: what it does in strict mode.
        names: functions, classes and methods that it concerns.
    """

    name: str
    stance: Stance
    original: str
    default: str
    strict: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table of names.

    Args:
        topic: where it belongs.
        name: the name.
        signature: its parameters with their defaults.
        summary: what it does, in one sentence.
        status: ``same``, ``fixed``, ``lifted``, ``replaced`` or ``extra``.
        differences: names of the quirks that concern it.
    """

    topic: str
    name: str
    signature: str
    summary: str
    status: str
    differences: tuple[str, ...]


def status_among(quirks: Iterable[Difference]) -> Status:
    """Return in one word how a name that these quirks concern compares with the original.

    Example:
        >>> status_among([])
        'same'
    """
    stances = {difference.stance for difference in quirks}
    if "REPLACE" in stances:
        return "replaced"
    if "LIFT" in stances:
        return "lifted"
    return "fixed" if "FIX" in stances else "same"


def describe(topic: str, name: str, thing: object, quirks: Iterable[Difference], *, extra: bool = False) -> Entry:
    """Return the row of one name.

    Args:
        topic: where it belongs.
        name: the name.
        thing: what it stands for.
        quirks: the differences that concern it.
        extra: whether the original lacks it.

    Example:
        >>> describe("Text", "dedent", __import__("textwrap").dedent, []).signature
        '(text)'
    """
    listed = tuple(quirks)
    status = "extra" if extra else status_among(listed)
    return Entry(topic, name, _signature(thing), _summary(thing), status, tuple(quirk.name for quirk in listed))


def _signature(thing: object) -> str:
    """Return parameters and defaults, without types."""
    if not callable(thing):
        return ""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:
        return "(...)"
    shown = [_parameter(parameter) for parameter in parameters if parameter.name not in {"self", "cls"}]
    return f"({', '.join(shown)})"


def _parameter(parameter: inspect.Parameter) -> str:
    star = (
        "*" if parameter.kind is parameter.VAR_POSITIONAL else "**" if parameter.kind is parameter.VAR_KEYWORD else ""
    )
    if parameter.default is inspect.Parameter.empty:
        return star + parameter.name
    default = getattr(parameter.default, "name", None) or repr(parameter.default)
    return f"{parameter.name}={default}"


def _summary(thing: object) -> str:
    if not callable(thing):
        return f"The constant {thing!r}."
    return (inspect.getdoc(thing) or "").partition("\n")[0]
