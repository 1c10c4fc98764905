"""Made-up subjects: names in many scripts, numbers, addresses, and the staff who saw them."""

from __future__ import annotations

import datetime
import random
import re
from dataclasses import dataclass, field

from faker import Faker
from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary

__all__ = ["CHARACTER_SETS", "Place", "Staff", "Subject", "make_subjects"]

# character set -> locales whose native names it can write
CHARACTER_SETS: dict[str, tuple[str, ...]] = {
    "ISO_IR 100": ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL", "sv_SE", "da_DK", "fi_FI"),
    "ISO_IR 101": ("pl_PL", "cs_CZ", "hu_HU", "hr_HR"),
    "ISO_IR 144": ("ru_RU", "bg_BG"),
    "ISO_IR 126": ("el_GR",),
    "ISO_IR 192": ("zh_CN", "ko_KR", "he_IL", "hi_IN", "en_IN", "fr_CA", "de_AT"),
    "\\ISO 2022 IR 87": ("ja_JP",),
    "\\ISO 2022 IR 149": ("ko_KR",),
    "GB18030": ("zh_CN",),
}
_WEIGHTS = (52, 10, 6, 4, 14, 6, 3, 5)
_LATIN = ("ISO_IR 100", "ISO_IR 101")
_KANA = {"ja_JP": True}


@dataclass
class Staff:
    """A physician or an operator: family and given name in Latin letters."""

    family: str
    given: str

    @property
    def dicom(self) -> str:
        """Return the name as a PN value."""
        return f"{self.family}^{self.given}"


@dataclass
class Place:
    """A hospital."""

    name: str
    address: str
    department: str
    station: str
    phone: str


@dataclass
class Subject:
    """Everything that identifies one made-up person."""

    number: int
    locale: str
    charset: str
    family: str
    given: str
    middle: str
    native: str
    dicom_name: str
    patient_id: str
    other_ids: list[str]
    birth: datetime.date
    sex: str
    address: str
    city: str
    phone: str
    email: str
    mother: str
    national_id: str
    referring: Staff
    reader: Staff
    operator: Staff
    place: Place
    accessions: list[str] = field(default_factory=list)

    def canaries(self) -> list[str]:
        """Return every string that may appear nowhere in what is released."""
        found = [self.family, self.given, self.patient_id, *self.other_ids, self.address, self.phone, self.email]
        found += [self.mother, self.national_id, self.place.name, self.place.address, self.place.phone]
        found += [self.place.station, *self.accessions, f"{self.family}^{self.given}", f"{self.given} {self.family}"]
        found += [part for part in re.split(r"[\^= ]", self.dicom_name) if not part.isascii() and len(part) > 1]
        for who in (self.referring, self.reader, self.operator):
            found += [who.family, who.dicom]
        return sorted({one for one in found if len(one) >= 2 and (len(one) >= 4 or not one.isascii())})


def _vocabulary() -> str:
    words = [entry[2] for entry in DicomDictionary.values()] + [entry[0] for entry in UID_dictionary.values()]
    return " ".join(words).lower()


class _Names:
    """Draws names that are unique in the set and are no words of the trade."""

    def __init__(self, rng: random.Random, forbidden: str) -> None:
        self._rng = rng
        self._forbidden = _vocabulary() + " " + forbidden.lower()
        self._taken: set[str] = set()

    def draw(self, make: object, least: int = 4) -> str:
        for _ in range(300):
            name = re.sub(r"[^\w'\- ]", "", str(make())).strip()  # type: ignore[operator]
            low = name.lower()
            if len(name) >= least and low not in self._taken and not self._clashes(low):
                self._taken.add(low)
                return name
        return self.invent()

    def invent(self) -> str:
        while True:
            name = "".join(
                self._rng.choice("bdfgklmnprstvz") + self._rng.choice("aeiou") for _ in range(self._rng.randint(3, 4))
            ).capitalize() + self._rng.choice(("ski", "ini", "sen", "ez", "ov", "kar"))
            if name.lower() not in self._taken and not self._clashes(name.lower()):
                self._taken.add(name.lower())
                return name

    def _clashes(self, low: str) -> bool:
        if any(part in self._forbidden for part in re.split(r"[ '\-]", low) if len(part) >= 3):
            return True
        return any(low in other or other in low for other in self._taken)


def _faker(locale: str, rng: random.Random) -> Faker:
    fake = Faker(locale)
    fake.seed_instance(rng.getrandbits(32))
    return fake


def _native(locale: str, fake: Faker, charset: str, sex: str) -> tuple[str, str]:
    """Return (native family, native given), both encodable in the character set."""
    encoding = {"ISO_IR 144": "iso8859_5", "ISO_IR 126": "iso8859_7", "GB18030": "gb18030", "ISO_IR 101": "iso8859_2"}
    encoding |= {"\\ISO 2022 IR 87": "iso2022_jp", "\\ISO 2022 IR 149": "euc_kr", "ISO_IR 100": "latin_1"}
    codec = encoding.get(charset, "utf8")
    given = fake.first_name_male if sex == "M" else fake.first_name_female
    for _ in range(100):
        pair = str(fake.last_name()), str(given())
        try:
            "".join(pair).encode(codec)
        except UnicodeEncodeError:
            continue
        return pair
    return "Novak", "Jan"


def _dicom_name(charset: str, latin: tuple[str, str, str], native: tuple[str, str], rng: random.Random) -> str:
    family, given, middle = latin
    prefix = rng.choice(("", "", "", "Dr", "Mrs" if rng.random() < 0.5 else "Mr"))
    full = f"{family}^{given}^{middle}^{prefix}".rstrip("^") if rng.random() < 0.5 else f"{family}^{given}"
    if charset in _LATIN:
        return full
    if charset in ("ISO_IR 144", "ISO_IR 126"):
        return f"{native[0]}^{native[1]}"
    if charset == "ISO_IR 192" and rng.random() < 0.3:
        return f"{native[0]}^{native[1]}"
    if charset.endswith("IR 87"):
        kana = rng.choice(("やまもと^はなこ", "すずき^いちろう", "わたなべ^けんじ"))
        return f"{full}={native[0]}^{native[1]}={kana}"
    return f"{full}={native[0]}^{native[1]}"


def _patient_id(rng: random.Random, taken: set[str]) -> str:
    while True:
        form = rng.choice(("{:08d}", "MRN{:07d}", "P-{:06d}", "{:03d}-{:02d}-{:04d}", "H{:05d}X", "{:010d}"))
        if form.count("{") == 3:
            drawn = form.format(rng.randint(100, 899), rng.randint(10, 99), rng.randint(1000, 9999))
        else:
            width = int(re.findall(r"0(\d+)d", form)[0])
            drawn = form.format(rng.randint(10 ** (width - 2), 10**width - 1))
        if drawn not in taken and len(drawn) >= 6:
            taken.add(drawn)
            return drawn


def _places(rng: random.Random, names: _Names, count: int = 14) -> list[Place]:
    forms = ("{} Memorial Hospital", "St. {} Medical Center", "Klinikum {}", "Ospedale {}", "Hôpital {}", "Clinica {}")
    departments = ("Radiology Dept {}", "Institut {}", "Imaging Unit {}")
    places = []
    for index in range(count):
        fake = _faker("en_US", rng)
        key = names.invent()
        place = Place(
            rng.choice(forms).format(key),
            f"{rng.randint(10, 9900)} {names.invent()} Street, {names.invent()}ville {rng.randint(10000, 99999)}",
            rng.choice(departments).format(names.invent()),
            f"{rng.choice(('CTAW', 'MRSUITE', 'XRAY', 'WS'))}{rng.randint(1000, 9999)}{chr(65 + index)}",
            fake.numerify("+1-###-555-####"),
        )
        places.append(place)
    return places


def make_subjects(count: int, seed: int, forbidden: str) -> list[Subject]:
    """Return ``count`` subjects; no name part is a word of ``forbidden`` or of the DICOM dictionary."""
    rng = random.Random(seed)
    names = _Names(rng, forbidden)
    places = _places(rng, names)
    us = _faker("en_US", rng)
    staff = [Staff(names.draw(us.last_name, 5), names.draw(us.first_name)) for _ in range(60)]
    ids: set[str] = set()
    fakers: dict[str, Faker] = {}
    subjects = []
    for number in range(count):
        charset = rng.choices(list(CHARACTER_SETS), _WEIGHTS)[0]
        locale = rng.choice(CHARACTER_SETS[charset])
        fake = fakers.setdefault(locale, _faker(locale, rng))
        subjects.append(_subject(number, (charset, locale), fake, us, rng, names, places, staff, ids))
    return subjects


def _subject(number, kind, fake, us, rng, names, places, staff, ids) -> Subject:  # noqa: ANN001
    charset, locale = kind
    sex = rng.choice("MF") if rng.random() < 0.97 else "O"
    native = _native(locale, fake, charset, sex)
    source = fake if charset in _LATIN or locale in ("en_IN", "fr_CA", "de_AT") else us
    first = source.first_name_male if sex == "M" else source.first_name_female
    family, given = names.draw(source.last_name), names.draw(first)
    middle = rng.choice("ABCDEFGHJKLMNPRSTW")
    year = 1900 if rng.random() < 0.02 else rng.randint(1922, 2012)
    birth = datetime.date(year, rng.randint(1, 12), rng.randint(1, 28))
    if rng.random() < 0.03:
        birth = datetime.date(rng.choice((1952, 1968, 1984, 1996)), 2, 29)
    latin_native = (family, given) if charset in _LATIN or locale in ("en_IN", "fr_CA", "de_AT") else native
    return Subject(
        number=number,
        locale=locale,
        charset=charset,
        family=family,
        given=given,
        middle=middle,
        native=" ".join(latin_native),
        dicom_name=_dicom_name(charset, (family, given, middle), latin_native, rng),
        patient_id=_patient_id(rng, ids),
        other_ids=[_patient_id(rng, ids) for _ in range(rng.randint(1, 2))],
        birth=birth,
        sex=sex,
        address=f"{rng.randint(1, 999)} {names.invent()} {rng.choice(('Road', 'Lane', 'Avenue', 'Street'))}",
        city=f"{names.invent()} {rng.randint(10000, 99999)}",
        phone=us.numerify("(###) 555-####"),
        email=f"{given.lower().replace(' ', '')}.{number}@{names.invent().lower()}.example",
        mother=names.draw(us.last_name, 5),
        national_id=us.numerify("###-##-####"),
        referring=rng.choice(staff),
        reader=rng.choice(staff),
        operator=rng.choice(staff),
        place=rng.choice(places),
    )
