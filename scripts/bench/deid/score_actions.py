"""Was one action done? Each class has its judge; what the norm leaves open is accepted either way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from score_elements import Found, lookup, values_of
from score_match import Maps, _day

__all__ = ["CLASSES", "judge"]

CLASSES = (
    "removed",
    "emptied",
    "replaced",
    "text_removed",
    "text_kept",
    "date_shifted",
    "uid_changed",
    "uid_consistent",
    "patient_consistent",
    "pixels_hidden",
    "pixels_kept",
)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _blank(values: list[str]) -> bool:
    return not any(value.strip("\0 ") for value in values)


def _holds(text: str, gone: str) -> bool:
    """Tell whether ``gone`` is still in the text: short strings as words, long ones anywhere."""
    folded, wanted = _fold(text), _fold(gone)
    if len(wanted) >= 4 or not wanted.isascii():
        return wanted in folded
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", folded) is not None


def _dummy(action: dict[str, Any], values: list[str]) -> bool:
    """Tell whether the values are other ones: no old value is left whole, and nothing that must go."""
    joined = "\\".join(values)
    if any(_holds(joined, one) for one in action.get("go", ())):
        return False
    old = [one for one in action.get("value", ()) if one.strip()]
    return not any(
        _fold(one).strip() == _fold(joined).strip() or (len(one) >= 4 and _holds(joined, one)) for one in old
    )


def _gone(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    accept = action["accept"]
    if found.element is None:
        return "X" in accept or not found.parent or bool(action.get("optional"))
    values = values_of(found.element)
    if _blank(values):
        return "Z" in accept or (found.element.VR == "SQ" and "X" in accept and not found.element.value)
    if "D" not in accept:
        return False
    if action["path"].endswith("00101010"):  # the age: the norm keeps it, the law wants it above 89 as one class
        return values == ["090Y"]
    return _dummy(action, values)


def _text_removed(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    joined = "\\".join(values_of(found.element))
    return not any(_holds(joined, one) for one in action["go"])


def _same(old: str, new: str) -> bool:
    try:
        one, two = float(old), float(new)
    except ValueError:
        return " ".join(old.split()) == " ".join(new.strip("\0").split())
    return one == two or abs(one - two) <= 1e-5 * max(abs(one), abs(two))


def _text_kept(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    values = values_of(found.element)
    if found.element is None and action.get("optional"):
        return True
    if "stay" in action:
        joined = _fold("\\".join(values))
        return all(_fold(word) in joined for word in action["stay"])
    old = action["value"]
    return len(old) == len(values) and all(_same(one, two) for one, two in zip(old, values, strict=True))


def _date_shifted(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    values = values_of(found.element)
    if not values or _blank(values):
        return bool(action.get("optional")) and found.element is None
    if action["vr"] == "TM":
        return re.fullmatch(r"\d{2,6}(\.\d{1,6})?", values[0].strip()) is not None
    shift = maps.shifts.get(subject, 0)
    if shift == 0 or len(values) != len(action["value"]):
        return False
    pairs = [(_day(old), _day(new)) for old, new in zip(action["value"], values, strict=True)]
    slack = 1 if subject in maps.hourly else 0  # a shift by hours moves some dates over midnight
    return all(old and new and abs((new - old).days - shift) <= slack for old, new in pairs)


def _uid_changed(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    values = values_of(found.element)
    if found.element is None:
        return bool(action.get("optional"))
    return bool(values) and not set(values) & set(action["value"])


def _uid_consistent(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    if found.element is None:
        return bool(action.get("optional"))
    return values_of(found.element) == [maps.uids.get(old, "?") for old in action["value"]]


def _patient_consistent(action: dict[str, Any], found: Found, maps: Maps, subject: int) -> bool:
    old = action["value"][0]
    new = maps.patients.get(old)
    shared = [one for one, other in maps.patients.items() if other == new]
    return values_of(found.element) == [new] and len(shared) == 1


_JUDGES: dict[str, Callable[[dict[str, Any], Found, Maps, int], bool]] = {
    "removed": _gone,
    "emptied": _gone,
    "replaced": _gone,
    "text_removed": _text_removed,
    "text_kept": _text_kept,
    "date_shifted": _date_shifted,
    "uid_changed": _uid_changed,
    "uid_consistent": _uid_consistent,
    "patient_consistent": _patient_consistent,
}


def judge(action: dict[str, Any], ds: Any, maps: Maps, subject: int) -> tuple[bool, list[str]]:
    """Return whether the action was done, and the values found."""
    found = lookup(ds, action["path"])
    done = _JUDGES[action["class"]](action, found, maps, subject)
    return done, [] if done else ["<absent>"] if found.element is None else [
        v[:120] for v in values_of(found.element)[:4]
    ]
