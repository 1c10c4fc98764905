"""Why a file is in quarantine: one word each, and the sentence that a data steward reads."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MEANING", "Reason"]


class Reason(StrEnum):
    """Why a file may not enter the lake."""

    UNREADABLE = "unreadable"
    HOSTILE = "hostile"
    TOO_LARGE = "too-large"
    UNKNOWN_FORMAT = "unknown-format"
    UNKNOWN_SOP_CLASS = "unknown-sop-class"
    NOT_ASKED_FOR = "not-asked-for"
    NO_PATIENT = "no-patient"
    MIXED_PATIENTS = "mixed-patients"
    CONFLICTING_UID = "conflicting-uid"
    BURNED_IN_TEXT = "burned-in-text"
    PIXELS_UNREADABLE = "pixels-unreadable"
    FACE = "face"
    DOUBTFUL_TEXT = "doubtful-text"
    IDENTIFIER_LEFT = "identifier-left"
    NO_CONSENT = "no-consent"
    RARE_VALUES = "rare-values"


MEANING: dict[Reason, str] = {
    Reason.UNREADABLE: "the file is damaged or is not what its name says",
    Reason.HOSTILE: "reading the file broke the reader, or took more time or memory than a sound file takes",
    Reason.TOO_LARGE: "the file, or what it unpacks to, is above the limit",
    Reason.UNKNOWN_FORMAT: "no cleaner knows this format",
    Reason.UNKNOWN_SOP_CLASS: "the kind of DICOM object is not known, so nobody knows where its identifiers are",
    Reason.NOT_ASKED_FOR: "the kind of DICOM object often holds identifiers and was not asked for (--accept)",
    Reason.NO_PATIENT: "the file names no patient, so it can be given no pseudonym",
    Reason.MIXED_PATIENTS: "one series or study holds several patients",
    Reason.CONFLICTING_UID: "two different files carry the same object identifier",
    Reason.BURNED_IN_TEXT: "the picture seems to hold text that could not be read or painted over surely",
    Reason.PIXELS_UNREADABLE: "the pixels can't be decoded, so nobody can say what is written in them",
    Reason.FACE: "a head whose face could not be taken out surely",
    Reason.DOUBTFUL_TEXT: "a text that could not be cleaned surely",
    Reason.IDENTIFIER_LEFT: "the second scan found an identifier in what the first had cleaned",
    Reason.NO_CONSENT: "the patient's consent is missing, expired, withdrawn, or has another scope",
    Reason.RARE_VALUES: "a table row that stands out too much to be released",
}
