"""One walk over a data set: what the profile says about each element, and doing it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deephealth.lake.actions import Action, Tally
from deephealth.lake.profile.content import clean_content_item
from deephealth.lake.profile.dates import capped_age, shifted_date, shifted_datetime
from deephealth.lake.profile.dummies import DUMMY_TEXT, dummy_bytes, dummy_item, dummy_value
from deephealth.lake.profile.elements import Element, is_empty, items_of, put_bytes, put_text, readings_of, text_of
from deephealth.lake.profile.options import Option
from deephealth.lake.profile.plans import Plan, Plans
from deephealth.lake.profile.private_blocks import clean_private
from deephealth.lake.profile.profile import Handling
from deephealth.lake.profile.subject import Subject
from deephealth.lake.profile.sweep import Sweeper
from deephealth.lake.profile.tags import PUBLISHED_DATES
from deephealth.lake.profile.texts import DELIMITED, TEXT_VRS, Codec, codec_for

__all__ = ["Walk"]

_PATIENT_NAME, _PATIENT_ID, _ACCESSION = 0x00100010, 0x00100020, 0x00080050
_CONTENT, _CODE_VALUE, _SCHEME = 0x0040A730, 0x00080100, 0x00080102
_DOCUMENT, _DOCUMENT_LENGTH = 0x00420011, 0x00420015
_SPECIMENS: Final = {
    0x00400512: "container",
    0x00400551: "specimen",
    0x00120040: "trial-subject",
    0x00120042: "reading",
}
_LONGEST: Final = {"LO": 64, "SH": 16}
_ZONE = re.compile(r"[-+]\d{4}")
_STANDARD_SCHEMES = {"DCM", "SCT", "SRT", "SNM3", "LN", "UCUM", "RADLEX", "FMA", "UMLS", "NCIT", "MA", "RO", "RXNORM"}


class Walk:
    """Cleans one data set in place and counts what it did.

    Args:
        plans: of the profile.
        subject: the patient.
        sweeper: cleans texts.
        sop_class: UID of the object's kind.
    """

    def __init__(self, plans: Plans, subject: Subject, sweeper: Sweeper, sop_class: str) -> None:
        self.plans, self.subject, self.sweeper, self.sop_class = plans, subject, sweeper, sop_class
        self.tally: Tally = Counter()
        self.by_tag: dict[int, Action] = {}
        self.doubts: list[str] = []

    def note(self, tag: int, action: Action) -> None:
        """Count one element."""
        self.tally[action] += 1
        self.by_tag[tag] = action

    def dataset(self, dataset: Dataset, codec: Codec, within: int = 0) -> None:
        """Clean a data set or an item of a sequence."""
        codec = codec_for(dataset, codec)
        known = self.plans.within(self.sop_class, within)
        private = False
        kept = 0
        for base_tag, element in list(dataset._dict.items()):
            tag = int(base_tag)  # pydicom's tags compare in Python code
            if tag & 0x10000:
                private = True
                continue
            plan = known.get((tag, element.VR))
            if plan is None:
                plan = known[(tag, element.VR)] = self.plans.make(tag, element.VR or "", self.sop_class, within)
            if plan.step:
                getattr(self, plan.step)(dataset, tag, element, plan, codec)
            else:
                kept += 1
        self.tally[Action.KEPT] += kept
        if private:
            clean_private(self, dataset, codec, keep=Option.SAFE_PRIVATE in self.plans.profile.options)
        if within == _CONTENT or (within == 0 and _CONTENT in dataset._dict):
            clean_content_item(self, dataset, codec)

    def put(self, dataset: Dataset, tag: int, text: str, codec: Codec, vr: str, encoding: str = "ascii") -> None:
        """Give an element that is there another text."""
        self._put(dataset, dataset._dict[tag], text, codec, encoding, vr)

    def remove(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """X: the element goes."""
        del dataset._dict[element.tag]
        self.note(tag, Action.REMOVED)

    def empty(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """Z: the element stays without a value; patient and accession get their pseudonyms."""
        if tag in (_PATIENT_NAME, _PATIENT_ID) or (tag == _ACCESSION and not is_empty(element)):
            self._pseudonym(dataset, tag, element, codec)
        elif plan.vr == "SQ":
            if not is_empty(element):
                dataset[tag] = DataElement(tag, "SQ", Sequence([]))
            self.note(tag, Action.EMPTIED)
        else:
            self._put(dataset, element, "", codec, "ascii", plan.vr)
            self.note(tag, Action.EMPTIED)

    def dummy(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """D: a value of the same kind that says nothing."""
        if tag == _PATIENT_ID:
            self._pseudonym(dataset, tag, element, codec)
            return
        if tag in _SPECIMENS and not is_empty(element):
            code = self.subject.code(_SPECIMENS[tag], text_of(element, codec)[0])
            self._put(dataset, element, code, codec, "ascii", plan.vr)
        elif plan.vr == "SQ":
            self._dummy_items(dataset, tag, codec)
        elif plan.vr == "UI":
            self.uid(dataset, tag, element, plan, codec)
            return
        else:
            self._put_dummy(dataset, element, plan.vr)
        if tag == _DOCUMENT and _DOCUMENT_LENGTH in dataset:
            dataset[_DOCUMENT_LENGTH].value = len(dummy_bytes("OB"))
        self.note(tag, Action.REPLACED)

    def uid(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """U: new UIDs, the same for the same ones everywhere."""
        if plan.vr != "UI":
            self._put_dummy(dataset, element, plan.vr)
            self.note(tag, Action.REPLACED)
            return
        text = text_of(element, codec)[0]
        new = "\\".join(self.subject.uid(part.strip(" \0")) for part in text.split("\\"))
        if new != text.strip(" \0"):
            self._put(dataset, element, new, codec, "ascii", "UI")
        self.note(tag, Action.UID)

    def shift(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """C for dates: moved by the patient's number of days; times stay; what is no date is emptied."""
        if plan.vr == "SQ":
            self.sequence(dataset, tag, element, plan, codec)
            return
        if plan.vr not in TEXT_VRS:
            self._put_dummy(dataset, element, plan.vr)
            self.note(tag, Action.REPLACED)
            return
        text = text_of(element, codec)[0]
        if plan.vr == "TM" or tag in PUBLISHED_DATES or not text.strip(" \0") or _ZONE.fullmatch(text.strip(" \0")):
            self.note(tag, Action.KEPT)
            return
        move = shifted_datetime if plan.vr == "DT" else shifted_date
        moved = [move(part, self.subject.days) if part.strip(" \0") else "" for part in text.split("\\")]
        new = "\\".join(part or "" for part in moved) if any(moved) else ""
        if not new and plan.needed:
            new = dummy_bytes(plan.vr).decode("ascii").strip()
        self._put(dataset, element, new, codec, "ascii", plan.vr)
        self.note(tag, Action.SHIFTED if any(moved) else Action.EMPTIED)

    def age(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """An age: nobody above 89 years; what is no age is emptied."""
        text = text_of(element, codec)[0]
        new = capped_age(text) if text.strip(" \0") else text
        if new is None or new != text.strip(" \0"):
            self._put(dataset, element, new or "", codec, "ascii", "AS")
            self.note(tag, Action.CAPPED if new else Action.EMPTIED)
        else:
            self.note(tag, Action.KEPT)

    def clean_text(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """C for text: what identifies is taken out."""
        self._swept(dataset, tag, element, plan, codec, self.sweeper.full)

    def sweep(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """Kept text: changed only if something that is known to identify the patient stands in it."""
        self._swept(dataset, tag, element, plan, codec, self.sweeper.known)

    def sweep_code(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """A coded word: a patient may be called Short, so only a number or a whole name is taken out."""
        self._swept(dataset, tag, element, plan, codec, self.sweeper.coded)

    def sequence(self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec) -> None:
        """Every item of a sequence is cleaned like a data set."""
        if is_empty(element):
            self.tally[Action.KEPT] += 1
            return
        raw = isinstance(element, RawDataElement)
        items = items_of(dataset, tag)
        if not items and (raw or not isinstance(element.value, Sequence)):
            self.doubts.append(f"a sequence ({tag >> 16:04X},{tag & 0xFFFF:04X}) that can't be read was removed")
            self.remove(dataset, tag, element, plan, codec)
            return
        for item in items:
            if not _is_standard_code(item):
                self.dataset(item, codec, int(tag))
        self.note(tag, Action.CLEANED if plan.handling is not Handling.UNLISTED else Action.KEPT)

    def _swept(
        self, dataset: Dataset, tag: int, element: Element, plan: Plan, codec: Codec, clean: Callable[[str], str]
    ) -> None:
        value = element.value
        if type(value) is bytes and (plan.step, value) in self.sweeper.clean_bytes:
            self.tally[Action.KEPT] += 1
            return
        new, encoding, changed = self.cleaned(element, codec, lambda text: self._each_value(text, plan.vr, clean))
        if not changed:
            self.tally[Action.KEPT] += 1
            if encoding == "ascii" and type(value) is bytes:
                self.sweeper.remember(plan.step, value)
            return
        if plan.needed and not new.strip(" \\"):
            new = DUMMY_TEXT
        self._put(dataset, element, new, codec, encoding, plan.vr)
        self.note(tag, Action.CLEANED)

    def cleaned(self, element: Element, codec: Codec, clean: Callable[[str], str]) -> tuple[str, str, bool]:
        """Clean a text in every way in which its bytes can be read; return it, its encoding, whether it changed."""
        (text, encoding), *others = readings_of(element, codec)
        new = clean(text)
        changed = new != text
        for _, other in others:
            try:
                again = (codec.encode(new, encoding) or b"").decode(other)
            except UnicodeError:
                continue
            if (clear := clean(again)) != again:
                new, encoding, changed = clear, other, True
        return new, encoding, changed

    def _each_value(self, text: str, vr: str, clean: Callable[[str], str]) -> str:
        parts = text.split("\\") if vr in DELIMITED else [text]
        limit = _LONGEST.get(vr)
        cleaned = [clean(part) for part in parts]
        if limit:
            pairs = zip(parts, cleaned, strict=True)
            cleaned = [self.sweeper.without_stump(new, full=len(part) >= limit) for part, new in pairs]
        return "\\".join(cleaned)

    def _put(self, dataset: Dataset, element: Element, text: str, codec: Codec, encoding: str, vr: str) -> None:
        if not put_text(dataset, element, text, codec, encoding, vr):
            put_text(dataset, element, text.encode("ascii", "ignore").decode("ascii"), codec, "ascii", vr)

    def _put_dummy(self, dataset: Dataset, element: Element, vr: str) -> None:
        if isinstance(element, RawDataElement):
            put_bytes(dataset, element, dummy_bytes(element.VR or vr), vr)
        else:
            dataset._dict[element.tag] = DataElement(element.tag, element.VR, dummy_value(element.VR))

    def _dummy_items(self, dataset: Dataset, tag: int, codec: Codec) -> None:
        items = items_of(dataset, tag)
        if not items or any(_CODE_VALUE in item for item in items) or tag == _CONTENT:
            dataset[tag] = DataElement(tag, "SQ", Sequence([dummy_item()]))
            return
        for item in items:
            self.dataset(item, codec, int(tag))

    def _pseudonym(self, dataset: Dataset, tag: int, element: Element, codec: Codec) -> None:
        text = text_of(element, codec)[0]
        if tag == _PATIENT_ID:
            new = self.subject.number(text)
        elif tag == _PATIENT_NAME:
            new = self.subject.pseudonym
        else:
            new = self.subject.accession(text)
        self._put(dataset, element, new, codec, "ascii", "LO")
        self.note(tag, Action.PSEUDONYM)


def _is_standard_code(item: Dataset) -> bool:
    """Whether an item is a code of a published list, whose words are known to name nobody."""
    scheme = item._dict.get(_SCHEME)
    if scheme is None or len(item._dict) > 3 or _CODE_VALUE not in item._dict:
        return False
    value = scheme.value.decode("latin-1") if isinstance(scheme.value, bytes) else str(scheme.value)
    return value.strip(" \0").upper() in _STANDARD_SCHEMES
