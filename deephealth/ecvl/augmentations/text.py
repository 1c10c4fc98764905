"""The text form of augmentations: ``AugRotate angle=[-5,5] center=(0,0) interp="linear"``, one to a line, ``end``.

A parameter is a name, ``=``, and a value: a range ``[a,b]``, a vector ``(a,b,…)``, a ``"word"``, or a number. The
parameters of an augmentation run to the end of its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deephealth.core.errors import did_you_mean
from deephealth.ecvl.enums import BorderType, InterpolationType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.strictness import is_strict

__all__ = ["Parameters", "border_type", "interpolation", "lines_of", "read_parameters"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LIST = rf"\s*{_NUMBER}\s*(?:,\s*{_NUMBER}\s*)*"
_VALUE = re.compile(
    rf"""(?P<range>\[{_LIST}\])|(?P<vector>\({_LIST}\))|"(?P<string>[^"]*)"|(?P<number>{_NUMBER})(?=[\s]|$)""",
    re.ASCII,
)
_NAME = re.compile(r"\s*([^\s=]+)\s*=\s*")
_RANGE_SIZE = 2
_BORDERS = {
    "constant": BorderType.BORDER_CONSTANT,
    "replicate": BorderType.BORDER_REPLICATE,
    "reflect": BorderType.BORDER_REFLECT,
    "wrap": BorderType.BORDER_WRAP,
    "reflect_101": BorderType.BORDER_REFLECT_101,
    "reflect101": BorderType.BORDER_REFLECT_101,
    "transparent": BorderType.BORDER_TRANSPARENT,
}


@dataclass
class Parameters:
    """What a line said, taken out name by name.

    Args:
        owner: name of the augmentation, for messages.
        found: name -> (kind, value).
    """

    owner: str
    found: Mapping[str, tuple[str, Any]]
    asked: set[str] = field(default_factory=set)

    def take(self, name: str, *kinds: str, default: Any = None, required: bool = False) -> Any:
        """Return a parameter's value.

        Args:
            name: the parameter.
            kinds: allowed kinds: ``"range"``, ``"vector"``, ``"string"``, ``"number"``.
            default: value where it is missing.
            required: whether it must be there.

        Raises:
            EcvlError: missing, or of another kind.
        """
        self.asked.add(name)
        if name not in self.found:
            if required:
                raise EcvlError(
                    f"{self.owner}: the parameter '{name}' is missing", allowed=f"{name}={_EXAMPLES[kinds[0]]}"
                )
            return default
        kind, value = self.found[name]
        if kind not in kinds:
            wanted = " or ".join(f"a {one} ({_EXAMPLES[one]})" for one in kinds)
            raise EcvlError(f"{self.owner}: '{name}' is a {kind}", allowed=wanted)
        return value

    def finish(self) -> None:
        """Refuse names that nobody asked for; the original took no notice of them, and so does strict mode.

        Raises:
            EcvlError: an unknown parameter; the nearest known one is named.
        """
        for name in self.found:
            if name not in self.asked and not is_strict():
                raise EcvlError(f"{self.owner} has no parameter '{name}'", hint=did_you_mean(name, self.asked))


_EXAMPLES = {"range": "[a,b]", "vector": "(a,b)", "string": '"word"', "number": "0.5"}


def read_parameters(owner: str, text: str) -> Parameters:
    """Return the parameters that a line holds.

    Args:
        owner: name of the augmentation, for messages.
        text: the line without the augmentation's name.

    Raises:
        EcvlError: something that is no ``name=value``.

    Example:
        >>> read_parameters("AugRotate", 'angle=[-5,5] interp="linear"').found
        {'angle': ('range', [-5.0, 5.0]), 'interp': ('string', 'linear')}
    """
    found: dict[str, tuple[str, Any]] = {}
    at = 0
    while text[at:].strip():
        name = _NAME.match(text, at)
        value = _VALUE.match(text, name.end()) if name else None
        if name is None or value is None:
            raise EcvlError(
                f"{owner}: can't read '{text[at:].strip()}'",
                allowed='name=[a,b], name=(a,b), name="word" or name=number, separated by blanks',
            )
        found[name[1]] = _value(owner, name[1], value)
        at = value.end()
    return Parameters(owner, found)


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a description that say something, without blanks at their ends."""
    return (line.strip() for line in text.splitlines() if line.strip())


def interpolation(owner: str, word: str) -> InterpolationType:
    """Return the interpolation that a word names.

    Raises:
        EcvlError: no such interpolation.
    """
    return _named(owner, "interpolation", word, {member.name: member for member in InterpolationType})


def border_type(owner: str, word: str) -> BorderType:
    """Return the border type that a word names; both spellings of ``reflect_101`` are taken.

    Raises:
        EcvlError: no such border type.
    """
    return _named(owner, "border type", word, _BORDERS)


def _named(owner: str, kind: str, word: str, known: Mapping[str, Any]) -> Any:
    if word not in known:
        raise EcvlError(f"{owner}: unknown {kind} '{word}'", allowed=", ".join(known), hint=did_you_mean(word, known))
    return known[word]


def _value(owner: str, name: str, match: re.Match[str]) -> tuple[str, Any]:
    kind = str(match.lastgroup)
    text = match[kind]
    if kind == "string":
        return kind, text
    if kind == "number":
        return kind, float(text)
    values = _numbers(text[1:-1].split(","))
    if kind == "range" and len(values) != _RANGE_SIZE:
        raise EcvlError(f"{owner}: the range '{name}' has {len(values)} numbers", allowed="[smallest,largest]")
    return kind, values


def _numbers(words: Iterable[str]) -> list[float]:
    return [float(word) for word in words]
