"""Tables: every row by its own patient, every column by what it holds."""

import csv
import datetime
import io
import time
from dataclasses import replace

import pytest

from deephealth.core.errors import QuarantineError, UnknownNameError
from deephealth.lake.formats import table
from deephealth.lake.formats.columns import Role, role_by_name
from deephealth.lake.formats.context import RiskPolicy
from deephealth.lake.formats.table_dates import DateColumn, shift_cell
from deephealth.lake.formats.table_plan import identities, plan_table
from deephealth.lake.identifiers import Identifiers


def cleaned(tmp_path, who, text, *, name="a.csv", encoding="utf-8"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    outcome = table.clean(tmp_path / name, tmp_path / "out" / name, who)
    with (tmp_path / "out" / name).open(encoding="utf-8", newline="") as stream:
        return list(
            csv.DictReader(stream, delimiter="\t" if name.endswith("tsv") else outcome_delimiter(text))
        ), outcome


def outcome_delimiter(text):
    first = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).splitlines()[0]
    return max(",;\t|", key=first.count)


@pytest.fixture
def many(who):
    """A context for tables of many patients."""
    return replace(who, patient="", risk=RiskPolicy(k=2, max_suppressed=0.5))


COHORT = """\
patient_id,First name,Surname,dob,phone,ZIP,sex,age,Visit date,accession,StudyInstanceUID,image_path,dx,vol_mm3,notes
P001,Jane,Zyxwhurst,1951-07-23,+44794 0958,10115,F,67,2019-03-01 10:15,A1,1.2.99.1.2.3,P1.nii.gz,mel,1234567,Zyxwhurst
P002,John,Quillfeather,1929-01-02,+44 794 0959,10117,F,93,2019-12-31 08:00,A2,1.2.99.1.2.4,P002.png,nv,22,stable
P001,Jane,Zyxwhurst,1951-07-23,+44794 0958,10115,F,68,2020-03-01 11:00,A3,1.2.99.1.2.5,P2.nii.gz,mel,23,P001 better
P003,Ann,Other,1953-04-05,+44 794 0960,10119,F,66,2020-02-29 11:00,A4,1.2.99.1.2.6,P003.dcm,nv,24,n/a
P004,Bob,Third,1953-04-05,+44 794 0961,10119,F,66,2020-02-29 11:00,A5,1.2.99.1.2.7,P004.dcm,nv,25,
"""


def test_cohort(tmp_path, many, scan):
    who = replace(many, known=lambda patient: Identifiers.of(numbers=[patient]))
    rows, outcome = cleaned(tmp_path, who, COHORT)
    raw = (tmp_path / "out" / "a.csv").read_bytes()
    assert not scan(raw)
    for gone in (b"P001", b"P002", b"10115", b"794 0", b"1951", b"2019-03-01", b"1.2.99"):
        assert gone not in raw
    assert set(rows[0]) == {
        "patient_id", "ZIP", "sex", "age", "Visit date", "accession", "StudyInstanceUID", "image_path", "dx",
        "vol_mm3", "notes",
    }  # fmt: skip
    subjects = [row["patient_id"] for row in rows]
    assert subjects[0] == subjects[2] == who.pseudonyms.subject("P001")
    days = [datetime.date.fromisoformat(row["Visit date"][:10]) for row in rows]
    assert (days[2] - days[0]).days == 366  # over a leap day, as in the original
    assert (days[0] - datetime.date(2019, 3, 1)).days == who.pseudonyms.shift_days("P001")
    assert (days[1] - datetime.date(2019, 12, 31)).days == who.pseudonyms.shift_days("P002")
    assert rows[0]["Visit date"].endswith(" 10:15")
    assert rows[0]["accession"] == who.pseudonyms.accession("A1")
    assert rows[0]["StudyInstanceUID"] == who.pseudonyms.uid("1.2.99.1.2.3")
    assert rows[0]["image_path"].endswith(".nii.gz")
    assert [row["dx"] for row in rows] == ["mel", "nv", "mel", "nv", "nv"]
    assert rows[0]["vol_mm3"] == "1234567"
    assert [row["notes"] for row in rows[:3]] == ["", "stable", "better"]
    assert outcome.facts["patient_column"] == "patient_id"
    assert outcome.facts["columns"]["Visit date"] == "date"
    assert outcome.facts["risk"]["k"] >= 2
    assert outcome.tally["removed"] == 4 * 5


def test_identities_of_a_cohort(tmp_path, many):
    (tmp_path / "a.csv").write_text(COHORT)
    found = list(identities(tmp_path / "a.csv", many))
    assert [patient for patient, _ in found] == ["P001", "P002", "P001", "P003", "P004"]
    known = found[0][1]
    assert {"Jane", "Zyxwhurst"} <= known.names
    assert {"P001", "A1", "+44794 0958"} <= known.numbers
    assert {"19510723", "20190301"} <= known.dates
    assert known.uids == {"1.2.99.1.2.3"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Patienten-ID", "patient"), ("N° de patient", "patient"), ("MRN", "patient"), ("participant_id", "patient"),
        ("Código paciente", "patient"), ("ID paziente", "patient"), ("subject", "patient"), ("Record ID", "patient"),
        ("Nachname", "name"), ("Vorname", "name"), ("Apellidos", "name"), ("Prénom", "name"), ("Cognome", "name"),
        ("PatientName", "name"), ("referring_physician", "name"), ("Radiologist", "name"), ("name", "name"),
        ("Geburtsdatum", "birth"), ("DOB", "birth"), ("fecha de nacimiento", "birth"), ("Date de naissance", "birth"),
        ("data di nascita", "birth"), ("BirthDate", "birth"), ("year_of_birth", "birth"),
        ("Telefonnummer", "direct"), ("e-mail", "direct"), ("home address", "direct"), ("Straße", "direct"),
        ("SSN", "direct"), ("codice fiscale", "direct"), ("Versichertennummer", "direct"), ("DNI", "direct"),
        ("PLZ", "postcode"), ("ZIP code", "postcode"), ("código postal", "postcode"),
        ("Wohnort", "place"), ("hospital", "place"), ("City", "place"), ("InstitutionName", "place"),
        ("Alter", "age"), ("edad", "age"), ("PatientAge", "age"), ("age_at_scan", "age"), ("Geschlecht", "sex"),
        ("sexe", "sex"), ("Gender", "sex"), ("ethnicity", "quasi"), ("Beruf", "quasi"), ("country", "quasi"),
        ("AccessionNumber", "accession"), ("SeriesInstanceUID", "uid"), ("file_name", "file"), ("image_path", "file"),
        ("Befund", "text"), ("comments", "text"), ("observaciones", "text"), ("diagnosis", "sensitive"),
        ("StudyDate", "date"), ("Untersuchungsdatum", "date"), ("fecha", "date"), ("year", "year"),
        ("barcode", "identifier"), ("sample_id", "identifier"), ("Fallnummer", "identifier"),
        ("tumour size", None), ("follow_up_years", None), ("class_id", "sensitive"), ("image", "file"),
        ("slice_path", "file"), ("MMSE", None),
        ("kind", None), ("hippocampus_volume", None), ("message", None), ("stage", None), ("image_size", None),
    ],
)  # fmt: skip
def test_names_in_six_languages(name, role):
    assert role_by_name(name) == (None if role is None else Role(role))


def test_content_says_what_names_do_not(tmp_path, many, scan):
    lines = ["who_id_patient;a;b;c;d;e;f;g;h"]
    lines += [
        f"x{n};2020-01-{n + 1:02};user{n}@example.org;1.2.3.4.5.{n};QF-{n * 7919:05}-Z;{900100200 + n * 37};"
        f"{n / 7:.3f};"
        f"grade {n % 3};{('Zyxwhurst', 'Quillfeather')[n % 2]}"
        for n in range(24)
    ]
    who = replace(many, columns={"who_id_patient": "patient"})
    rows, outcome = cleaned(tmp_path, who, "\n".join(lines))
    roles = outcome.facts["columns"]
    assert [roles.get(c) for c in "abcdefgh"] == [
        "date",
        None,
        "uid",
        "identifier",
        "identifier",
        "number",
        "category",
        None,
    ]
    assert not scan((tmp_path / "out" / "a.csv").read_bytes())
    assert [row["f"] for row in rows] == [f"{n / 7:.3f}" for n in range(24)]
    assert rows[4]["g"] == "grade 1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_encodings_and_separators(tmp_path, many, encoding, name):
    text = 'Patienten-ID;Größe;Bemerkung\n7;1,80;"müde; sonst\nwohl"\n8;1,70;Zyxwhurst schläft\n'
    if name == "a.tsv":
        text = text.replace(";", "\t").replace("müde\t", "müde;")
    rows, _ = cleaned(tmp_path, many, text, name=name, encoding=encoding)
    assert [list(row.values())[1] for row in rows] == ["1,80", "1,70"]
    assert list(rows[0].values())[2] == "müde; sonst\nwohl"
    assert list(rows[1].values())[2] == "schläft"


def test_participants_tsv_keeps_its_prefix(tmp_path, many):
    rows, _ = cleaned(tmp_path, many, "participant_id\tscore\nsub-01\t1\nsub-02\t2\n", name="a.tsv")
    assert rows[0]["participant_id"] == "sub-" + many.pseudonyms.subject("01")


def test_a_table_of_one_patient(tmp_path, who):
    rows, outcome = cleaned(tmp_path, who, "date,age,value\n2020-01-31,67,1\n2020-03-01,67,2\n")
    days = [datetime.date.fromisoformat(row["date"]) for row in rows]
    assert (days[1] - days[0]).days == 30
    assert not outcome.facts["risk"]["applied"]
    assert [row["age"] for row in rows] == ["67", "67"]


def test_rare_rows_are_hidden_or_left_out(tmp_path, who):
    head = "patient_id,age,sex,dx\n"
    common = "".join(f"p{n},{40 + n % 3},F,a\n" for n in range(60))
    policy = replace(who, patient="", risk=RiskPolicy(k=5, max_suppressed=0.1))
    rows, outcome = cleaned(tmp_path, policy, head + common + "q1,91,M,b\nq2,23,M,b\n")
    assert len(rows) == 60
    assert outcome.facts["risk"]["dropped"] == 2
    rows, outcome = cleaned(tmp_path, policy, head + common + "".join(f"q{n},{20 + 9 * n},M,b\n" for n in range(5)))
    assert len(rows) == 65
    assert sum(row["age"] == row["sex"] == "*" for row in rows) == outcome.facts["risk"]["hidden"]
    with pytest.raises(QuarantineError) as error:
        cleaned(tmp_path, replace(policy, risk=RiskPolicy(k=50, generalise=False)), head + common)
    assert error.value.reason == "rare-values"
    with pytest.raises(QuarantineError):
        cleaned(tmp_path, policy, head + "p1,40,F,a\np2,40,F,a\n")


def test_dates_of_all_kinds():
    move = lambda day: day + datetime.timedelta(days=1)  # noqa: E731
    for cells, expected in [
        (["28.02.2020", "01.12.2019"], ["29.02.2020", "02.12.2019"]),
        (["12/31/2019", "01/02/2020"], ["01/01/2020", "01/03/2020"]),
        (["31/12/2019", "01/02/2020"], ["01/01/2020", "02/02/2020"]),
        (["20200228", "20191231"], ["20200229", "20200101"]),
        (
            ["2020-02-28T10:00:00Z", "2019-12-31T01:02:03.5+01:00"],
            ["2020-02-29T10:00:00Z", "2020-01-01T01:02:03.5+01:00"],
        ),
        (["3 March 2019", "24 Dec 2019"], ["04 March 2019", "25 Dec 2019"]),
    ]:
        column = DateColumn()
        for cell in cells:
            column.add(cell)
        assert [shift_cell(cell, column.formats(), move) for cell in cells] == expected
    column = DateColumn()
    column.add("01/02/2020")
    assert column.undecided


def test_undecided_dates_are_emptied(tmp_path, many):
    rows, outcome = cleaned(tmp_path, many, "patient_id,scan_date\n1,01/02/2020\n2,03/04/2020\n")
    assert [row["scan_date"] for row in rows] == ["", ""]
    assert "can't be told apart" in outcome.notes[0]


def test_roles_that_the_steward_decides(tmp_path, many):
    text = "code,x\na,Zyxwhurst\nb,2\n"
    with pytest.raises(QuarantineError) as error:
        cleaned(tmp_path, many, text)
    assert error.value.reason == "no-patient"
    rows, _ = cleaned(tmp_path, replace(many, columns={"code": "patient", "x": "name"}), text)
    assert rows == [{"code": many.pseudonyms.subject(p)} for p in "ab"]
    with pytest.raises(UnknownNameError):
        cleaned(tmp_path, replace(many, columns={"code": "pateint"}), text)


def test_a_lonely_id_column_is_the_patient(tmp_path, many):
    (tmp_path / "a.csv").write_text("ID,score\nOAS1_0001_MR1,3\n")
    assert plan_table(tmp_path / "a.csv", many).patient.name == "ID"


def test_hostile(tmp_path, many):
    cases = {
        "one line": b"a" * (200 * 1024**2),
        "one cell": b'patient_id,x\n1,"' + b"a," * 10**6,
        "long later": b"patient_id,x\n1,2\n" + b"b" * 10**7,
        "nulls": b"patient_id,x\n1,\0\n",
        "many columns": b"patient_id" + b",x" * 10**5 + b"\n",
        "no header": b"1,2020-01-01,Jane\n2,2020-01-02,Ann\n",
        "ragged": b"patient_id,x\n1,2,3\n",
        "empty": b"",
        "png": b"\x89PNG\r\n\x1a\n",
    }
    for name, data in cases.items():
        start = time.process_time()
        with pytest.raises(QuarantineError):
            cleaned(tmp_path, many, data)
        assert time.process_time() - start < 2, name
        assert not (tmp_path / "out" / "a.csv").exists()


@pytest.mark.real
def test_real_labels_stay_useful(tmp_path, many, shared_data):
    text = (shared_data / "dementia-oasis" / "oasis1_cross_sectional.csv").read_text()
    rows, outcome = cleaned(tmp_path, replace(many, risk=RiskPolicy(max_suppressed=0.1)), text)
    old = list(csv.DictReader(io.StringIO(text)))
    assert outcome.facts["columns"]["MMSE"] == "number"
    names = {many.pseudonyms.subject(row["ID"]): row for row in old}
    assert all(row["MMSE"] == names[row["ID"]]["MMSE"] for row in rows)
    assert len(rows) + outcome.facts["risk"]["dropped"] == len(old)
    assert outcome.facts["risk"]["k"] >= 5
