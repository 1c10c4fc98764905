"""Guess at pseudonyms without the key: an attacker with the whole lake and the vault's file, but no key.

    python scripts/bench/deid/guess_keys.py                      # 10**6 guesses, some minutes
    python scripts/bench/deid/guess_keys.py --guesses 10000

Patient numbers can be counted through and birth dates are few, so whoever hashes them without a secret has hidden
nobody. The attacker here knows how this project makes pseudonyms, has every pseudonym, UID, label and date of the lake
and every byte of the vault's file, and knows that the numbers look like ``P0000000``. For each of 10**6 numbers and
birth dates he tries bare hashes (SHA-256, SHA-1, MD5, SHA-512, SHA3, BLAKE2), salted ones with all that stands in the
clear in the vault, and HMAC under keys that can be guessed, in the very construction of the pseudonyms, and compares
with everything he has, in every encoding, whole or cut. A hit is a match of 48 bits or more.

Two controls prove that the attack works: with the key the same loop finds every patient; and in a lake whose
pseudonyms are bare SHA-256, as many tools make them, it finds every patient without a key. Prints JSON; exits with 1
when a guess hits or a control fails.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import random
import re
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.vault.keys import generate_key
from deephealth.lake.vault.vault import Known, Vault

PREFIX = 6  # bytes that are compared: 48 bits
FIRST_DAY = datetime.date(1905, 1, 1)
HASHES = ("sha256", "sha1", "md5", "sha512", "sha3_256", "blake2b", "blake2s")
Hasher = Callable[[bytes], Iterator[bytes]]


def main() -> int:
    """Attack and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--guesses", type=int, default=1_000_000)
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    patients = _patients(options.patients, options.guesses, options.seed)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        place, key = Path(folder) / "chest.vault", generate_key()
        with Vault.create(place, key, "chest") as vault:
            vault.remember_many(_known(number, birth) for number, birth in patients.items())
            names, project_key = vault.pseudonyms(), vault.project_key()
        lake = _lake(names, patients)
        clear, sealed = _vault_file(place)
    targets = _targets(lake, sealed)
    guesses = list(_guesses(options.guesses, patients))
    hashers = [*_bare(clear), *_keyed(clear)]
    hits, tries = _attack(guesses, hashers, targets)
    with_key, _ = _attack(guesses, [_construction(project_key)], _targets(lake, []))
    bare = {hashlib.sha256(number.encode()).hexdigest()[:16] for number in patients}
    control, _ = _attack(guesses, hashers[:1], _targets(bare, []))
    result = {
        "guesses": len(guesses),
        "hashes_compared": tries,
        "patients": len(patients),
        "things_in_the_lake": len(lake),
        "blobs_in_the_vault": len(sealed),
        "hits_without_key": len(hits),
        "patients_found_with_key": len(patients.keys() & with_key),
        "patients_found_in_a_lake_of_bare_hashes": len(patients.keys() & control),
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(result, indent=2))
    found = {result["patients_found_with_key"], result["patients_found_in_a_lake_of_bare_hashes"]}
    return 0 if not hits and found == {len(patients)} else 1


def _patients(count: int, guesses: int, seed: int) -> dict[str, str]:
    """Numbers among those that are guessed, with birth dates."""
    draw = random.Random(seed)
    numbers = draw.sample(range(int(guesses * 0.9)), count)
    return {f"P{n:07d}": str(FIRST_DAY + datetime.timedelta(days=draw.randrange(43_000))) for n in numbers}


def _known(number: str, birth: str) -> Known:
    day = birth.replace("-", "")
    return Known(
        number, "", Identifiers.of(names=[f"DOE^{number}"], dates=[day]), frozenset({f"1.2.840.99.{number[1:]}"})
    )


def _guesses(count: int, patients: dict[str, str]) -> Iterator[str]:
    """Nine numbers of ten, then birth dates in the forms of DICOM and ISO, then both together."""
    numbers = int(count * 0.9)
    yield from (f"P{n:07d}" for n in range(numbers))
    days = (FIRST_DAY + datetime.timedelta(days=n) for n in range(44_195))
    dates = [form for day in days for form in (f"{day:%Y%m%d}", day.isoformat())][: (count - numbers) // 2]
    yield from dates
    missing = count - numbers - len(dates)
    draw, known = random.Random(2), list(patients.items())
    yield from (f"{number}{birth}" for number, birth in draw.choices(known, k=missing))


def _lake(names: Pseudonyms, patients: dict[str, str]) -> set[str]:
    """Everything of the lake that was made from a secret."""
    found: set[str] = set()
    for number in patients:
        uid = f"1.2.840.99.{number[1:]}"
        found |= {names.subject(number), names.session(uid), names.accession(number), names.uid(uid)}
        found |= {names.code("file", number), names.code("source", number, 32)}
    return found | {names.fingerprint}


def _vault_file(place: Path) -> tuple[list[bytes], list[bytes]]:
    """What stands in the clear in the vault, and its keyed hashes and sealed values."""
    with sqlite3.connect(place) as connection:
        header = json.loads(connection.execute("SELECT value FROM deephealth_vault_header").fetchone()[0])
        rows = connection.execute("SELECT lookup, owner, value FROM deephealth_vault_rows").fetchall()
    clear = [str(header[name]).encode() for name in ("vault", "salt", "fingerprint")]
    clear.append(bytes.fromhex(header["salt"]))
    whole = re.findall(rb"[ -~]{12,}", place.read_bytes())
    return clear, [part for row in rows for part in row] + whole


def _targets(lake: set[str], blobs: list[bytes]) -> set[bytes]:
    """First bytes of everything, read as base 32, base 64, hexadecimal, UID or as it is."""
    found = {blob[:PREFIX] for blob in blobs}
    for text in lake:
        found.add(text.lower().encode()[: 2 * PREFIX])  # as hexadecimal text
        if text.startswith("2.25."):
            found.add(uuid.UUID(int=int(text[5:])).bytes[:PREFIX])
        for decode in (base64.b32decode, base64.b64decode, bytes.fromhex):
            try:
                found.add(decode(text + "=" * (-len(text) % 8 if decode is base64.b32decode else 0))[:PREFIX])  # type: ignore[operator]
            except ValueError:
                continue
    return {target for target in found if len(target) in (PREFIX, 2 * PREFIX)}


def _bare(clear: list[bytes]) -> list[Hasher]:
    """Hashes without a secret, alone and with everything in the clear as salt on either side."""
    salts = [b"", b"chest", *clear]

    def hasher(name: str) -> Hasher:
        make = getattr(hashlib, name)

        def run(guess: bytes) -> Iterator[bytes]:
            for salt in salts if name == "sha256" else salts[:1]:
                yield make(salt + guess).digest()
                if salt:
                    yield make(guess + salt).digest()

        return run

    return [hasher(name) for name in HASHES]


def _keyed(clear: list[bytes]) -> list[Hasher]:
    """HMAC under keys that can be guessed: plain, and in the construction of the pseudonyms."""
    words = [b"", b"\0" * 32, b"chest", b"deephealth", b"password", *clear]
    found: list[Hasher] = []
    for word in words:
        found.append(lambda guess, word=word: iter((hmac.digest(word, guess, "sha256"),)))  # type: ignore[misc]
    for key in (bytes(32), hashlib.sha256(b"chest").digest(), clear[-1]):
        found.append(_construction(key))
    return found


def _construction(key: bytes) -> Hasher:
    """The pseudonyms' own way, under a key; every number as a patient, an accession, a UID and a code."""

    def run(guess: bytes) -> Iterator[bytes]:
        text = guess.decode()
        for purpose, value in (("subject", f"\x1f{text}"), ("uid", text), ("accession", text), ("code:file", text)):
            yield hmac.digest(key, f"deephealth.lake/1\x1f{purpose}\x1f{value}".encode(), "sha256")

    return run


def _attack(guesses: list[str], hashers: list[Hasher], targets: set[bytes]) -> tuple[set[str], int]:
    """Return the guesses that hit, and how many hashes were compared."""
    hits, tries = set(), 0
    for text in guesses:
        guess = text.encode()
        for hasher in hashers:
            for digest in hasher(guess):
                tries += 1
                if digest[:PREFIX] in targets or digest[:PREFIX].hex().encode() in targets:
                    hits.add(text)
    return hits, tries


if __name__ == "__main__":
    sys.exit(main())
