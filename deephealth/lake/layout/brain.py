"""Which BIDS file an MR series of the brain becomes: anatomy, function or diffusion, by its cleaned description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deephealth.lake.facts import ObjectFacts

__all__ = ["Sequence", "brain_sequence", "is_brain"]

# Defined terms of (0018,0015) that mean the brain or all of the head (PS3.16 Annex L, CID 4031).
_BRAIN_PARTS = frozenset({"BRAIN", "HEAD", "SKULL", "HEADNECK", "CEREBRUM", "CEREBELLUM"})


@dataclass(frozen=True, slots=True)
class Sequence:
    """A kind of series that BIDS knows.

    Args:
        datatype: folder, such as ``anat``.
        suffix: closing word of the file's name, such as ``T1w``.
        entities: that stand before ``run``, such as ``task-rest``.
    """

    datatype: str
    suffix: str
    entities: tuple[str, ...] = ()


# The first pattern that is found decides: FLAIR before T2, because a FLAIR is called "t2_tirm_dark-fluid" as well.
_RULES: tuple[tuple[re.Pattern[str], Sequence], ...] = tuple(
    (re.compile(pattern), sequence)
    for pattern, sequence in (
        (r"\b(bold|fmri|rs ?fmri|resting state)\b", Sequence("func", "bold")),
        (r"\b(dwi|dti|diff|diffusion|hardi|noddi|dki)\b|\bb ?\d{3,4}\b", Sequence("dwi", "dwi")),
        (r"\b(flair|dark fluid|tirm)\b", Sequence("anat", "FLAIR")),
        (r"\b(tof|mra|angio)\b", Sequence("anat", "angio")),
        (r"\b(t2 ?\*|t2 ?star|swi|gre t2|hemo)", Sequence("anat", "T2starw")),
        (r"\b(t1|t1w|mprage|mp2rage|bravo|spgr|tfl|tfe|vibe)\b", Sequence("anat", "T1w")),
        (r"\b(t2|t2w)\b", Sequence("anat", "T2w")),
        (r"\b(pd|pdw|proton density)\b", Sequence("anat", "PDw")),
    )
)
# Not images of a contrast BIDS can name, or maps computed from some: they stay MIDS.
_NOT_RAW = re.compile(
    r"\b(loc|localizer|localiser|scout|survey|3 ?plane|adc|fa|trace|tracew|colfa|mip|minip|mpr|phase|pha|cbf|cbv|mtt|"
    r"ttp|tmax|perf|perfusion|asl|dsc|pwi|sbref|fieldmap|field map|screenshot|report|spectro|mrs|csi|t1 ?map|t2 ?map)\b"
)
_CONTRAST = re.compile(r"(\+ ?(c|gd|km)\b|\b(gad|gado|gd|post|postcontrast|contrast|ce|km)\b)")


def is_brain(facts: ObjectFacts) -> bool:
    """Return whether an object is MR of the brain.

    An empty body part is no brain: a guess would put a knee among the brains.
    """
    return facts.modality.upper() == "MR" and _part(facts.body_part) in _BRAIN_PARTS


def brain_sequence(facts: ObjectFacts) -> Sequence | None:
    """Return the BIDS kind of a brain MR series, or ``None`` when its description does not say one.

    Perfusion, field maps, localizers and computed maps answer ``None``: BIDS either has no name for them or demands
    side-car values (such as the order of label and control) that no header holds.

    Example:
        >>> brain_sequence(ObjectFacts("A", "B", "K", "dicom", "MR", "", 0, "", description="ax T2 FLAIR fs")).suffix
        'FLAIR'
        >>> brain_sequence(ObjectFacts("A", "B", "K", "dicom", "MR", "", 0, "", description="ADC map")) is None
        True
    """
    text = re.sub(r"[^0-9a-z*+]+", " ", f"{facts.description} {facts.protocol}".lower())
    if _NOT_RAW.search(text) or "DERIVED" in facts.image_type.upper().split("\\")[:1]:
        return None
    for pattern, sequence in _RULES:
        if pattern.search(text):
            return _with_entities(sequence, text)
    return None


def _with_entities(sequence: Sequence, text: str) -> Sequence:
    if sequence.suffix == "bold":
        task = "rest" if re.search(r"\brest", text) else "unknown"
        return Sequence(sequence.datatype, sequence.suffix, (f"task-{task}",))
    if sequence.datatype == "anat" and _CONTRAST.search(text):
        return Sequence(sequence.datatype, sequence.suffix, ("ce-contrast",))
    return sequence


def _part(body_part: str) -> str:
    return re.sub(r"[^A-Z]", "", body_part.upper())
