"""The header of a DICOM object under a profile: every element, at every depth, gets what the table says."""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from deephealth.lake.actions import Action, Tally
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.profile.identity import patient_of
from deephealth.lake.profile.meta import clean_meta
from deephealth.lake.profile.options import Option
from deephealth.lake.profile.plans import Plans
from deephealth.lake.profile.profile import Profile
from deephealth.lake.profile.subject import Subject
from deephealth.lake.profile.sweep import MakeCleaner, Sweeper, text_cleaner
from deephealth.lake.profile.texts import codec_for
from deephealth.lake.profile.walk import Walk
from deephealth.lake.pseudonyms import Pseudonyms

__all__ = ["HeaderCleaner", "HeaderOutcome"]

_SOP_CLASS = Tag(0x00080016)
_REMEMBERED_PATIENTS = 8
_BY_OTHERS = {Option.CLEAN_PIXEL, Option.CLEAN_FEATURES}  # the header can't say that they were executed


@dataclass(frozen=True, slots=True)
class HeaderOutcome:
    """What was done to one header.

    Args:
        tally: how many elements had which action, at every depth.
        by_tag: the last action for each attribute, at any depth.
        executed: options that were executed on this object.
        doubts: what could not be read and was removed, without its value.
    """

    tally: Tally = field(default_factory=Counter)
    by_tag: dict[int, Action] = field(default_factory=dict)
    executed: frozenset[Option] = frozenset()
    doubts: tuple[str, ...] = ()


class HeaderCleaner:
    """Cleans headers under one profile and one project's key.

    Args:
        profile: basic actions and options.
        pseudonyms: of the project.
        make_cleaner: builds what takes identifiers out of texts.

    Source: DICOM PS3.15 Annex E; Table E.1-1 in the edition of :data:`deephealth.lake.profile.table.EDITION`.

    Example:
        >>> from deephealth.lake.profile.options import RESEARCH
        >>> dataset = Dataset()
        >>> dataset.PatientID, dataset.PatientBirthDate, dataset.StudyID, dataset.KVP = "4711", "19500101", "S1", "120"
        >>> outcome = HeaderCleaner(Profile(RESEARCH), Pseudonyms(bytes(32))).clean(dataset, Identifiers())
        >>> dataset.PatientID == Pseudonyms(bytes(32)).subject("4711"), dataset.StudyID, dataset.KVP
        (True, '', '120')
    """

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, make_cleaner: MakeCleaner = text_cleaner) -> None:
        self._profile, self._pseudonyms, self._make = profile, pseudonyms, make_cleaner
        self._plans = Plans(profile)
        self._sweepers: OrderedDict[Identifiers, Sweeper] = OrderedDict()
        self._subjects: OrderedDict[str, Subject] = OrderedDict()

    def clean(self, dataset: Dataset, identifiers: Identifiers) -> HeaderOutcome:
        """Clean a header in place: sequences, private blocks, overlays, file meta information and preamble too.

        Args:
            dataset: as it came; pixel data stay untouched.
            identifiers: all that is known to identify the patient.

        Raises:
            QuarantineError: the object names no patient.
        """
        walk = Walk(self._plans, self._subject(patient_of(dataset)), self._sweeper(identifiers), _sop_class(dataset))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom quotes values in its warnings
            walk.dataset(dataset, codec_for(dataset))
            clean_meta(dataset, walk.note)
        return HeaderOutcome(walk.tally, walk.by_tag, self._profile.options - _BY_OTHERS, tuple(walk.doubts))

    def _subject(self, patient: str) -> Subject:
        if patient not in self._subjects:
            self._subjects[patient] = Subject(self._pseudonyms, patient)
            while len(self._subjects) > _REMEMBERED_PATIENTS:
                self._subjects.popitem(last=False)
        return self._subjects[patient]

    def _sweeper(self, identifiers: Identifiers) -> Sweeper:
        identifiers = replace(identifiers, uids=frozenset())  # thousands of them would only slow the look-up down
        if identifiers not in self._sweepers:
            self._sweepers[identifiers] = Sweeper(identifiers, self._make)
            while len(self._sweepers) > _REMEMBERED_PATIENTS:
                self._sweepers.popitem(last=False)
        return self._sweepers[identifiers]


def _sop_class(dataset: Dataset) -> str:
    element = dataset._dict.get(_SOP_CLASS)
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes) and b"\\" not in element.value:
        return element.value.decode("latin-1").strip(" \0")
    try:
        return str(dataset.get("SOPClassUID", "") or "").strip(" \0")
    except Exception:  # a value that pydicom can't convert: then nobody knows the kind
        return ""
