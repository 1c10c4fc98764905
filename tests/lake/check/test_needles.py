"""The second scan finds what the first left, in every form, and is not led astray by chance."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from deephealth.lake.check.needles import Needles
from deephealth.lake.check.scan import scan_file
from deephealth.lake.identifiers import Identifiers

KNOWN = Identifiers(
    names=frozenset({"QUIMBYFIELD^ZELDA", "山田^太郎", "Παπαδόπουλος^Νίκος", "MÜLLERLEIN^JÖRG"}),
    numbers=frozenset({"MRN-558213", "90817"}),
    places=frozenset({"St. Elswhere Infirmary"}),
    uids=frozenset({"1.2.840.99999.1.7"}),
)
NEEDLES = Needles([("S1", KNOWN), ("S2", Identifiers(numbers=frozenset({"12345", "ABCDE1"})))])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize(
    "text", ["Zelda", "ZELDA", "quimbyfield", "mrn-558213", "1.2.840.99999.1.7", "ST. ELSWHERE INFIRMARY"]
)
def test_every_form_is_found(text, encoding):
    assert NEEDLES.find(b"\0\0" + text.encode(encoding) + b"\0\0", "S1")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("山田", "iso2022_jp"), ("太郎", "shift_jis"), ("山田", "gb18030"), ("山田", "utf-16-le"), ("山田", "euc_jp"),
        ("Παπαδόπουλος", "iso8859-7"), ("ΝΊΚΟΣ", "utf-8"), ("Müllerlein", "latin-1"),
        ("MÜLLERLEIN", "latin-1"), ("jörg", "iso8859-9"),
    ],
)  # fmt: skip
def test_other_scripts_are_found_too(text, encoding):
    assert NEEDLES.find(b"name: " + text.encode(encoding) + b" ", "S1")


def test_short_numbers_count_in_the_patients_own_files_only():
    assert NEEDLES.find(b"count 12345 .", "S2")
    assert not NEEDLES.find(b"count 12345 .", "S1")
    assert not NEEDLES.find(b"count 9123456 .", "S2")
    assert NEEDLES.find(b"ref ABCDE1 .", "S1")


def test_noise_holds_no_identifier():
    noise = random.Random(0).randbytes(30_000_000)
    assert NEEDLES.find(noise, "S1") == []


def test_a_patient_called_chest_is_no_alarm():
    needles = Needles([("S1", Identifiers(names=frozenset({"CHEST^MAYBELLINE"})))])
    assert not needles.find(b"CHEST PA", "S1")
    assert needles.find(b"CHEST^MAYBELLINE", "S1")
    assert needles.find(b"maybelline", "S1")


def test_packed_files_are_unpacked_and_names_are_read(tmp_path):
    folder = tmp_path / "rawdata" / "sub-S1"
    folder.mkdir(parents=True)
    packed = folder / "a.nii.gz"
    packed.write_bytes(gzip.compress(b"descrip: Zelda Quimbyfield"))
    assert {f.where for f in scan_file(packed, tmp_path, NEEDLES)} == {"content"}
    picture = folder / "b.png"
    text = b"Comment\0\0" + zlib.compress(b"by Zelda")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + len(text).to_bytes(4, "big") + b"zTXt" + text + bytes(4))
    assert scan_file(picture, tmp_path, NEEDLES)
    named = folder / "quimbyfield_zelda.txt"
    named.write_bytes(b"")
    assert {f.where for f in scan_file(named, tmp_path, NEEDLES)} == {"name"}
    clean = folder / "c.txt"
    clean.write_bytes(b"T2 TSE fs tra")
    assert scan_file(clean, tmp_path, NEEDLES) == []


def test_an_identifier_over_the_edge_of_a_piece_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("deephealth.lake.check.scan._PIECE", 64)
    monkeypatch.setattr("deephealth.lake.check.scan._OVERLAP", 32)
    file = tmp_path / "x.bin"
    for lead in range(50, 70):
        file.write_bytes(b" " * lead + b"Quimbyfield" + b" " * 100)
        assert scan_file(file, tmp_path, NEEDLES), lead
