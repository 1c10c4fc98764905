"""Standard labels, units and filters of EDF+: they stay as they are, all other texts go through the text cleaner.

Source: "EDF+ standard texts and polarity rules" (labels, dimensions, electrodes of the 10-20 and 10-10 systems).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["is_dimension", "is_label", "is_prefilter", "modality_of"]

_KINDS = "EEG|ECG|EKG|EOG|EMG|ERG|NC|MEG|MCG|EP|Temp|Resp|SaO2|SpO2|Light|Sound|Event|ECoG|SEEG|DC|PPG|ACC|Gyro|Pos"
_POSITION = (
    r"(Nz|Fpz?[12]?|AFp?z?\d{0,2}|F[TC]?z?\d{0,2}|T\d{1,2}|TP\d{1,2}|C[P]?z?\d{1,2}|Cz|CPz|Pz?\d{0,2}|POz?\d{0,2}|"
    r"Oz?[12]?|I[z12]|A[12]|M[12]|CB[12]|Pg[12]|Sp[12]|LOC|ROC|E[12]|Ref|REF|AVG|Av|LE|AR|CAR|GND|G\d{1,2}|[A-H]\d{1,2})"
)
_NUMBERED = (
    r"(Status|Trigger|Marker|STI \d{3}|EXG\d|GSR\d|Erg\d|Plet|Chin|Tib|LAT|RAT|Leg|Flow|Nasal|Thor(ax)?|Abdo(men)?|"
    r"Snore|Pulse|HR|BP)"
)
_LEAD = r"(I{1,3}|aV[RLF]|V[1-9]R?|[A-Z]?\d{0,3}[+-]?|horizontal|vertical|submental|rectal|oro-nasal|nasal|left|right)"
_LABEL = re.compile(
    rf"(((?:{_KINDS})\s+)?{_POSITION}(\s*-\s*{_POSITION})?|({_KINDS})(\s*[-/]?\s*{_LEAD})?|{_NUMBERED}[12LR]?|"
    r"(EDF|BDF) Annotations)",
    re.IGNORECASE,
)
_DIMENSION = re.compile(
    r"(|(T|G|M|K|k|H|h|D|d|c|m|u|µ|μ|n|p|f)?(V|g|l|L|s|m|A|N|Pa|Hz|Ohm|ohm|O|J|W|T|cd|lx|S|rad|B|bit|F)(\^?[23])?"
    r"(/(min|s|Hz|m|kg|mV|V|l|s\^2|s2|sqrt\(Hz\)))?|%|degC|degF|deg|K|bpm|mmHg|cmH2O|Boolean|Bool|-|/min|1/min|a\.?u\.?|n/a)",
)
_PREFILTER = re.compile(
    r"((HP|LP|N|BP|BW|BS|Notch|DC|None|TC|SR|BE|LPF|HPF)\s*[:=]?\s*(DC|none|\d+(\.\d+)?\s*(to|-)?\s*(\d+(\.\d+)?)?\s*(m?Hz|s)?)?"
    r"[\s;,/]*)*",
    re.IGNORECASE,
)


def is_label(text: str) -> bool:
    """Return whether a text is a standard label of a signal.

    Example:
        >>> [is_label(text) for text in ("EEG Fpz-Cz", "EDF Annotations", "EOG horizontal", "Doe Jane", "Fp1")]
        [True, True, True, False, True]
    """
    return bool(_LABEL.fullmatch(text))


def is_dimension(text: str) -> bool:
    """Return whether a text is a unit.

    Example:
        >>> [is_dimension(text) for text in ("uV", "mmHg", "degC", "", "Doe")]
        [True, True, True, True, False]
    """
    return bool(_DIMENSION.fullmatch(text))


def is_prefilter(text: str) -> bool:
    """Return whether a text says nothing but filters.

    Example:
        >>> [is_prefilter(text) for text in ("HP:0.1Hz LP:75Hz N:50Hz", "HP: DC; LP: 113 Hz", "HP:0.1 Jane")]
        [True, True, False]
    """
    return bool(_PREFILTER.fullmatch(text))


def modality_of(labels: Iterable[str]) -> str:
    """Return the DICOM modality of a recording by its labels: ``EEG``, ``ECG``, ``EMG``, ``EOG``, ``RESP`` or ``OT``.

    Example:
        >>> modality_of(["ECG", "EEG Cz"]), modality_of(["ECG II"]), modality_of(["x"])
        ('EEG', 'ECG', 'OT')
    """
    names = list(labels)
    kinds = {name.split()[0].upper() for name in names if name.split()}
    if "EEG" in kinds or sum(bool(re.fullmatch(_POSITION, name, re.IGNORECASE)) for name in names) >= 2:
        return "EEG"
    for kind, modality in (("ECG", "ECG"), ("EKG", "ECG"), ("EMG", "EMG"), ("EOG", "EOG"), ("RESP", "RESP")):
        if kind in kinds:
            return modality
    return "OT"
