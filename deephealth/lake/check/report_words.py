"""What the words of the report mean, one plain sentence each."""

from __future__ import annotations

from deephealth.lake.actions import Action
from deephealth.lake.profile.options import Option

__all__ = ["ACTIONS", "LIMITS", "OPTIONS", "PIXELS"]

OPTIONS: dict[Option, str] = {
    Option.BASIC: "Names, numbers, addresses, dates and all else that PS3.15 Table E.1-1 lists is removed, emptied or"
    " replaced.",
    Option.CLEAN_PIXEL: "Pictures are searched for writing that is burned into them, and it is painted over.",
    Option.CLEAN_FEATURES: "Faces that could be recognised are taken out of pictures of the head.",
    Option.CLEAN_GRAPHICS: "Text and drawings that lie over pictures are cleaned of what identifies.",
    Option.CLEAN_CONTENT: "Structured reports keep their findings and lose what identifies.",
    Option.CLEAN_DESCRIPTORS: "Free descriptions stay, without the names, numbers and dates in them.",
    Option.FULL_DATES: "All dates stay as they are, so they can identify a patient.",
    Option.MODIFIED_DATES: "All dates of a patient are moved by the same secret number of days: intervals stay true.",
    Option.PATIENT_CHARACTERISTICS: "Sex, age (90 stands for 90 and above), size and weight stay.",
    Option.DEVICE: "What identifies the device stays.",
    Option.UIDS: "The objects' original identifiers stay, so the hospital's systems can find the patient.",
    Option.SAFE_PRIVATE: "Makers' private elements that the standard lists as safe stay; all others go.",
    Option.INSTITUTION: "What identifies the institution stays.",
}

ACTIONS: dict[Action, str] = {
    Action.REMOVED: "the element is gone",
    Action.EMPTIED: "the element is there, without a value",
    Action.REPLACED: "another value of the same kind stands there",
    Action.PSEUDONYM: "the patient's or the examination's pseudonym stands there",
    Action.CLEANED: "a text that lost what identifies and kept the rest",
    Action.KEPT: "the value was looked at and stays",
    Action.SHIFTED: "a date, moved by the patient's number of days",
    Action.UID: "an identifier of an object, replaced by a new one, the same everywhere",
    Action.CAPPED: "an age above 89, written as 90",
    Action.HIDDEN: "a rectangle of pixels that was painted over",
}

PIXELS: dict[str, str] = {
    "kept": "looked at, nothing to hide",
    "hidden": "painted over in places",
    "none": "no pixels",
    "unchecked": "not looked at: the option was off",
}

LIMITS: tuple[str, ...] = (
    "The second look finds what the vault knows: names, numbers, places and dates that came in headers and tables. A"
    " name that stands nowhere but in a picture or a free text is known to nobody; doubts are all that shows it.",
    "Pictures were read in a sample, not all of them, and by a reader of Latin script, digits and Chinese. Handwriting,"
    " very small or very faint writing, and other scripts may go unread.",
    "A face in a picture of the head, a tattoo, a rare implant or a rare disease can identify a person without a word"
    " of text. This report does not judge that.",
    "Whether somebody could be recognised by linking this lake with other data is not shown. The notes on tables count"
    " equal rows; they say nothing of data outside.",
    "Copies that were taken out of the lake, such as exports, backups and trained models, are not seen from here.",
    "Whether the processing is lawful, the purpose fits the consent, or a data protection impact assessment is needed"
    " is for the data protection officer to decide.",
)
