from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request

import pytest

from deephealth.core.errors import LimitError
from deephealth.eddl.data.fetch import FetchError, fetch

URL = "https://example.org/weights.bin"
CONTENT = b"deephealth" * 1000


class Answer(io.BytesIO):
    """What urllib gives."""

    def __init__(self, content: bytes, *, length: int | None = None, url: str = URL) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content) if length is None else length)}
        self.url = url

    def geturl(self) -> str:
        return self.url


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.delenv("DEEPHEALTH_OFFLINE", raising=False)

    def start(answer):
        def opened(request, timeout):
            assert timeout > 0
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(urllib.request, "urlopen", opened)

    return start


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_arrives_and_its_checksum_is_checked(serve, tmp_path):
    serve(Answer(CONTENT))
    digest = ("sha256", hashlib.sha256(CONTENT).hexdigest()[:8])
    assert fetch(URL, tmp_path / "w.bin", limit=10**6, digest=digest).read_bytes() == CONTENT
    assert left(tmp_path) == ["w.bin"]


@pytest.mark.parametrize(
    ("answer", "limit", "error", "text"),
    [
        (Answer(CONTENT), 100, LimitError, "or more"),
        (Answer(CONTENT, length=0), 100, LimitError, "or more"),  # the length was not told
        (Answer(CONTENT[:-1], length=len(CONTENT)), 10**6, FetchError, "broke off"),
        (Answer(b"another file"), 10**6, FetchError, "came with"),
        (Answer(CONTENT, url="http://example.org/x"), 10**6, FetchError, "redirected"),
        (urllib.error.URLError("no route to host"), 10**6, FetchError, "no route to host"),
        (TimeoutError("timed out"), 10**6, FetchError, "timed out"),
    ],
)
def test_nothing_stays_when_it_fails(serve, tmp_path, answer, limit, error, text):
    serve(answer)
    digest = ("sha256", hashlib.sha256(CONTENT).hexdigest())
    with pytest.raises(error, match=text):
        fetch(URL, tmp_path / "w.bin", limit=limit, digest=digest)
    assert left(tmp_path) == []


def test_only_https_is_fetched(tmp_path):
    with pytest.raises(FetchError, match="https"):
        fetch("http://example.org/a", tmp_path / "a", limit=1)


def test_the_switch_for_offline_machines(serve, tmp_path, monkeypatch):
    serve(Answer(CONTENT))
    monkeypatch.setenv("DEEPHEALTH_OFFLINE", "1")
    with pytest.raises(FetchError, match="DEEPHEALTH_OFFLINE"):
        fetch(URL, tmp_path / "a", limit=10**6)
