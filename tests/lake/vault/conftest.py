"""A private PostgreSQL server on a unix socket, and a vault in each back-end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deephealth.lake.vault.keys import generate_key
from deephealth.lake.vault.vault import Vault

Events = list[tuple[str, dict]]


def _program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server that runs for these tests only, as a user who is not root."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg")
    as_user: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has at most 107 characters
    if os.geteuid() == 0:
        if not shutil.which("runuser") or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            pytest.skip("there's no user postgres to run the server as")
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    data, log = folder / "data", folder / "log"

    def run(*command: str) -> None:
        done = subprocess.run([*as_user, *command], cwd=folder, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"PostgreSQL does not start here: {done.stderr[-300:]}")

    run(initdb, "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c shared_buffers=16MB"
    run(pg_ctl, "-D", str(data), "-w", "-l", str(log), "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*as_user, pg_ctl, "-D", str(data), "-m", "immediate", "stop"], cwd=folder, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def schema(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty schema."""
    import psycopg

    name = f"s{abs(hash(request.node.nodeid)):x}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        connection.execute(f'CREATE SCHEMA "{name}"')
    yield f"{postgres}&options=-csearch_path%3D{name}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a new vault goes, in each back-end."""
    return tmp_path / "vault" / "chest.vault" if request.param == "sqlite" else request.getfixturevalue("schema")


@pytest.fixture(autouse=True)
def _light_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretching takes half a second by design; the tests stretch less."""
    monkeypatch.setattr("deephealth.lake.vault.keys._SCRYPT", {"n": 2**10, "r": 8, "p": 1})


@pytest.fixture
def key() -> bytes:
    return generate_key()


@pytest.fixture
def events() -> Events:
    return []


@pytest.fixture
def vault(place: Path | str, key: bytes, events: Events) -> Iterator[Vault]:
    """A new vault that writes its audit into ``events``."""
    made = Vault.create(place, key, "chest", audit=lambda kind, facts: events.append((str(kind), dict(facts))))
    yield made
    made.close()
