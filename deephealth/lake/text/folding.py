"""Text as it is compared: lower case, without accents, full-width forms narrowed, digits of every script as 0 to 9."""

from __future__ import annotations

import unicodedata

__all__ = ["back_map", "fold"]

_SPECIAL = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n",
    "ə": "e",
    "’": "'", "‘": "'", "´": "'", "`": "'", "ʼ": "'", "＇": "'", "‛": "'", "ʻ": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "＾": "^", "＝": "=", "・": " ", "　": " ",
    "，": ",", "、": ",", "،": ",", "؛": ";", "。": ".",
    "ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ـ": "",
    "ﾞ": "", "ﾟ": "", "º": "o", "ª": "a", "°": "°", "×": "x",
}  # fmt: skip
_KATAKANA, _KATAKANA_END, _TO_HIRAGANA = 0x30A1, 0x30F6, 0x60


class _Folds(dict[int, str]):
    """Folded spelling by code point, worked out when a character is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


def _fold_character(char: str) -> str:
    lower = char.casefold()
    if lower in _SPECIAL:
        return _SPECIAL[lower]
    category = unicodedata.category(char)
    # Zero-width characters, accents of their own and the vowel signs of Indic scripts would tear words apart.
    if category in ("Cf", "Mn", "Mc", "Me"):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Zs":
        return " "
    if not char.isalpha() or 0xAC00 <= ord(char) <= 0xD7A3:  # a Hangul syllable is one letter
        return lower
    return "".join(_narrow(part) for part in unicodedata.normalize("NFKD", lower)) or lower


def _narrow(part: str) -> str:
    if unicodedata.category(part) in ("Mn", "Sk"):
        return ""
    folded = _SPECIAL.get(part, part)
    if len(folded) == 1 and _KATAKANA <= ord(folded) <= _KATAKANA_END:
        return chr(ord(folded) - _TO_HIRAGANA)
    return folded


_FOLDS = _Folds()


def fold(text: str) -> str:
    """Return the text as it is compared.

    Example:
        >>> fold("MÜLLER-Łukaszewicz, Ｊａｎｅ"), fold("Strauß"), fold("ヤマダ") == fold("ﾔﾏﾀﾞ")
        ('muller-lukaszewicz, jane', 'strauss', True)
    """
    return text.lower() if text.isascii() else text.translate(_FOLDS)


def back_map(text: str) -> list[int]:
    """Return for each character of ``fold(text)``, and for its end, the place in ``text`` it came from.

    Example:
        >>> back_map("aßb")
        [0, 1, 1, 2, 3]
    """
    places = [place for place, char in enumerate(text) for _ in _FOLDS[ord(char)]]
    places.append(len(text))
    return places
