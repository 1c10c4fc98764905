"""Key files and sealed files."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import StorageError, VaultError
from deephealth.lake.vault.keys import (
    Passphrase,
    bind_key_file,
    derive,
    fingerprint,
    generate_key,
    material,
    new_kdf,
    read_key,
    shred_key_file,
    write_key_file,
)
from deephealth.lake.vault.sealed import CHUNK, cipher, open_file, seal, seal_file, unseal


def test_a_key_file_comes_back(tmp_path: Path) -> None:
    key = write_key_file(tmp_path / "keys" / "a.key")
    assert read_key(tmp_path / "keys" / "a.key") == key
    assert (tmp_path / "keys" / "a.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    with pytest.raises(VaultError, match="exists"):
        write_key_file(tmp_path / "keys" / "a.key")
    assert read_key(tmp_path / "keys" / "a.key") == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    write_key_file(tmp_path / "a.key")
    (tmp_path / "a.key").chmod(mode)
    with pytest.raises(VaultError, match="may be read by others") as caught:
        read_key(tmp_path / "a.key")
    assert "chmod 600" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"deephealth vault key 1\n",
        b"deephealth vault key 1\nkey AAAA\n",
        b"deephealth vault key 1\nkey !!!!\n",
        b"deephealth vault key 2\nkey " + b"A" * 43 + b"=\n",
        bytes(range(256)),
        b"x" * 10_000,
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.key").write_bytes(content)
    (tmp_path / "a.key").chmod(0o600)
    with pytest.raises(VaultError):
        read_key(tmp_path / "a.key")


def test_missing_keys_and_folders(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="is missing"):
        read_key(tmp_path / "a.key")
    with pytest.raises(VaultError):
        read_key(tmp_path)
    with pytest.raises(StorageError):
        write_key_file(Path("/proc/nothing/a.key"))


def test_a_key_file_serves_one_project(tmp_path: Path) -> None:
    key = write_key_file(tmp_path / "a.key")
    for _ in range(2):
        assert bind_key_file(tmp_path / "a.key", "chest") == key
    with pytest.raises(VaultError, match="belongs to another project"):
        bind_key_file(tmp_path / "a.key", "brain")
    assert read_key(tmp_path / "a.key") == key
    assert b"chest" not in (tmp_path / "a.key").read_bytes()
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600


def test_shredding_a_key_file(tmp_path: Path) -> None:
    write_key_file(tmp_path / "a.key")
    os.link(tmp_path / "a.key", tmp_path / "link")
    shred_key_file(tmp_path / "a.key")
    assert not (tmp_path / "a.key").exists()
    assert not any((tmp_path / "link").read_bytes())


def test_passphrases() -> None:
    with pytest.raises(VaultError, match="too short"):
        Passphrase("short")
    words = Passphrase("correct horse battery")
    assert "horse" not in repr(words)
    kdf = new_kdf(words)
    assert material(words, kdf) == material(words, kdf) != material(words, new_kdf(words))
    with pytest.raises(VaultError, match="another kind of key"):
        material(words, new_kdf(generate_key()))


def test_a_guess_at_a_passphrase_is_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kdf = new_kdf(Passphrase("correct horse battery"))
    assert 128 * kdf["n"] * kdf["r"] >= 128 * 2**20  # bytes of memory per guess


def test_derived_keys_follow_rfc_5869() -> None:
    """HKDF-SHA-256 by its definition, in five lines."""
    import hashlib
    import hmac

    key, salt = generate_key(), b"salt"
    extracted = hmac.digest(salt, key, "sha256")
    info = b"deephealth.vault/1 values"
    assert derive(key, salt, "values") == hmac.new(extracted, info + b"\1", hashlib.sha256).digest()
    assert fingerprint(key) != fingerprint(generate_key())


# values


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_values_come_back(plain: bytes, context: bytes) -> None:
    key = cipher(generate_key())
    assert unseal(key, seal(key, plain, context), context) == plain
    assert seal(key, plain, context) != seal(key, plain, context)


def test_every_changed_bit_is_noticed() -> None:
    key = cipher(generate_key())
    sealed = seal(key, b"4711", b"here")
    for at in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(VaultError):
            unseal(key, bytes(changed), b"here")
    for wrong in (sealed[:-1], sealed[:5], b"", sealed + b"x"):
        with pytest.raises(VaultError):
            unseal(key, wrong, b"here")
    with pytest.raises(VaultError):
        unseal(key, sealed, b"there")
    with pytest.raises(VaultError):
        unseal(cipher(generate_key()), sealed, b"here")


# files


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
def test_files_come_back(tmp_path: Path, size: int) -> None:
    plain, key = random.Random(size).randbytes(size), generate_key()
    (tmp_path / "plain").write_bytes(plain)
    seal_file(tmp_path / "plain", tmp_path / "sealed", key, context="a")
    seal_file(io.BytesIO(plain), tmp_path / "again", key, context="a")
    assert (tmp_path / "sealed").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "sealed").read_bytes() != (tmp_path / "again").read_bytes()
    chunks = max(1, -(-size // CHUNK))
    assert (tmp_path / "sealed").stat().st_size == 40 + size + 16 * chunks
    for name in ("sealed", "again"):
        with open_file(tmp_path / name, key, context="a") as stream:
            assert stream.read() == plain
            for at in (0, size // 2, max(0, size - 3)):
                stream.seek(at)
                assert stream.read(10) == plain[at : at + 10]
            assert stream.seek(0, io.SEEK_END) == size


class _Pipe(io.BytesIO):
    """Gives less than it is asked for, as a pipe does."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size if size and size > 0 else 1000, 1000))


def test_short_reads_do_no_harm(tmp_path: Path) -> None:
    plain, key = os.urandom(CHUNK + 5000), generate_key()
    seal_file(_Pipe(plain), tmp_path / "a", key)
    with open_file(tmp_path / "a", key) as stream:
        assert stream.read() == plain


def test_changed_files_are_refused(tmp_path: Path) -> None:
    plain, key = os.urandom(2 * CHUNK + 100), generate_key()
    seal_file(io.BytesIO(plain), tmp_path / "a", key, context="a")
    whole, step = (tmp_path / "a").read_bytes(), CHUNK + 16
    swapped = whole[:40] + whole[40 + step : 40 + 2 * step] + whole[40 : 40 + step] + whole[40 + 2 * step :]
    bad = [whole[:cut] for cut in (0, 7, 39, 40, 50, 40 + step, 40 + 2 * step, len(whole) - 1)]
    bad += [swapped, whole + b"x", whole + bytes(40), whole[: 40 + step] + whole[40 + 2 * step :]]
    for at in [*random.Random(1).sample(range(len(whole)), 40), 0, 8, 39, 40, len(whole) - 1]:
        changed = bytearray(whole)
        changed[at] ^= 0x10
        bad.append(bytes(changed))
    for content in bad:
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(VaultError), open_file(tmp_path / "a", key, context="a") as stream:
            stream.read()
    (tmp_path / "a").write_bytes(whole)
    for wrong_key, wrong_context in ((generate_key(), "a"), (key, "b")):
        with pytest.raises(VaultError):
            open_file(tmp_path / "a", wrong_key, context=wrong_context)
    with pytest.raises(VaultError, match="can't be opened"):
        open_file(tmp_path / "none", key)


def test_a_failed_source_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        seal_file(tmp_path / "missing", tmp_path / "a", generate_key())
    assert not list(tmp_path.iterdir())
