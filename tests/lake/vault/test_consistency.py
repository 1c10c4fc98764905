"""The same pseudonyms over 100,000 objects, three runs, two processes at once; and none without the key."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.vault.keys import generate_key
from deephealth.lake.vault.vault import Vault

OBJECTS = 100_000

RUN = """
import hashlib, json, sys
from pathlib import Path
from deephealth.lake.vault.vault import Vault
place, key, objects = json.loads(sys.argv[1])
with Vault.open(Path(place), bytes.fromhex(key)) as vault:
    names = vault.pseudonyms()
digest = hashlib.sha256()
patients = [(names.subject(f"P{n}"), names.shift_days(f"P{n}")) for n in range(997)]
studies = [(names.session(f"1.2.{n}"), names.uid(f"1.2.{n}"), names.accession(f"A{n}")) for n in range(4999)]
for number in range(objects):
    line = (*patients[number % 997], *studies[number % 4999], names.uid(f"1.2.{number % 4999}.{number}"))
    digest.update(repr(line).encode())
print(digest.hexdigest())
"""


def test_three_runs_and_two_processes_agree(tmp_path: Path) -> None:
    place, key = tmp_path / "a.vault", generate_key()
    Vault.create(place, key, "chest").close()
    command = [sys.executable, "-c", RUN, json.dumps([str(place), key.hex(), OBJECTS])]
    found = set()
    for at_once in (1, 2, 1):
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(at_once)]
        found.update(one.communicate(timeout=200)[0].strip() for one in running)
    assert len(found) == 1
    assert len(found.pop()) == 64


def test_intervals_survive_and_subjects_differ() -> None:
    names = Pseudonyms(generate_key())
    shifts = set()
    for number in range(2000):
        patient, first = f"P{number}", datetime.date(1999, 2, 27) + datetime.timedelta(days=number)
        second = first + datetime.timedelta(days=1 + number % 800)
        assert names.shift(second, patient) - names.shift(first, patient) == second - first
        shifts.add(names.shift_days(patient))
    assert len(shifts) > 1000
    assert len({names.subject(f"P{number}") for number in range(20_000)}) == 20_000
    assert len({names.uid(f"1.2.{number}") for number in range(20_000)}) == 20_000


def test_bare_hashes_find_nobody(repository: Path) -> None:
    """The small form of the bench: it must find everybody with the key, and nobody without it."""
    script = repository / "scripts" / "bench" / "deid" / "guess_keys.py"
    command = [sys.executable, str(script), "--guesses", "2000", "--patients", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["hits_without_key"] == 0
    assert result["patients_found_with_key"] == result["patients"] == 50
    assert result["patients_found_in_a_lake_of_bare_hashes"] == 50
