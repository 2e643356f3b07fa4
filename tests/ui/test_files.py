"""What is served under `/ui`: the page's own files by their names, and nothing else by any name."""

import gzip
import hashlib
import json
import re
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from service.application import create_app
from service.settings import Settings
from service.ui.assets import Assets
from service.ui.bundle import bundle_modules
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.ui.conftest import TOLD_NOBODY

FRONT = REPOSITORY / "service" / "ui" / "front"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture
def served(tiny):
    """A server with a secret in its environment."""
    return tiny


def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str):
    """The status of an answer, its headers and its body; the path goes out as it is."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def list_files(url: str) -> list[str]:
    """The paths of all that the document names."""
    return [f"/ui/{name}" for name in re.findall(r'"(assets/[^"]+)"', httpx.get(f"{url}/ui/").text)]


def read_script() -> bytes:
    """All modules as one file."""
    return bundle_modules({path.name: path.read_text() for path in FRONT.glob("*.js")}, "main.js").encode()


def test_the_document_names_every_file_and_each_may_be_kept_for_ever(served):
    paths = list_files(served.url)
    names = {path.rsplit("/", 1)[1] for path in paths}
    plain = {path.name for path in FRONT.iterdir() if path.suffix not in (".js", ".html")}
    assert names == {"page.js", *plain}
    for path in paths:
        _, headers, body = ask(served.url, "GET", path)
        name = path.rsplit("/", 1)[1]
        assert body == (FRONT / name).read_bytes() if name in plain else read_script()
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert headers["content-security-policy"] == POLICY
        assert headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml")


def test_the_document_is_asked_for_again_and_told_by_its_tag(served):
    document = httpx.get(f"{served.url}/ui/")
    assert (document.headers["cache-control"], document.headers["content-type"]) == (
        "no-cache",
        "text/html; charset=utf-8",
    )
    known = {"If-None-Match": document.headers["etag"]}
    again = httpx.get(f"{served.url}/ui/", headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", document.headers["etag"])
    head = httpx.head(f"{served.url}/ui/")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", document.headers["etag"])


@pytest.mark.parametrize(
    ("takes", "packed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("GZIP", True),
        ("", False),
        ("gzip;q=0", False),
        ("x-gzip2", False),
    ],
)
def test_a_file_is_packed_for_who_takes_it_and_each_coding_has_its_own_tag(served, takes, packed):
    path = next(path for path in list_files(served.url) if path.endswith("page.js"))
    _, headers, body = ask(served.url, "GET", path, Accept_Encoding=takes)
    assert headers["vary"] == "Accept-Encoding"
    assert headers["etag"].endswith('-gzip"') == packed == (headers.get("content-encoding") == "gzip")
    content = read_script()
    assert (gzip.decompress(body) if packed else body) == content


def test_a_change_of_any_file_is_another_folder(tmp_path):
    for path in FRONT.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = Assets(tmp_path)
    assert Assets(tmp_path).digest == before.digest == Assets().digest
    (tmp_path / "main.js").write_bytes((FRONT / "main.js").read_bytes() + b"void 0;\n")
    after = Assets(tmp_path)
    assert after.digest != before.digest
    assert after.find(before.digest, "page.js") is None
    assert after.find(after.digest, "page.js") is not None
    assert after.write_index(key_wanted=False).digest != before.write_index(key_wanted=False).digest


UP = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..;/", "%252e%252e%252f", "....//", "./../")
NAMES = ("etc/passwd", "proc/self/environ", "page.py", "assets.py", "secret.txt", "favicon.ico", "index.html")


def test_nothing_leads_out_of_the_pages_own_files(served):
    digest = Assets().digest
    for place in ("/ui/assets/", f"/ui/assets/{digest}/", "/ui/"):
        for step in UP:
            for name in NAMES:
                for count in (1, 12):
                    status, _, body = ask(served.url, "GET", f"{place}{step * count}{name}")
                    assert status == 404, (place, step, name, count)
                    assert TOLD_NOBODY.encode() not in body
                    assert b"root:" not in body
    for name in (".env", "/etc/passwd", "page.js%00.css", "PAGE.JS", "main.js", "a" * 5000, ""):
        assert ask(served.url, "GET", f"/ui/assets/{digest}/{name}")[0] == 404, name
    assert ask(served.url, "GET", "/ui/assets/0/page.js")[0] == 404


WAYS = ("file=", "file/", "proxy=", "gradio_api/file=", "gradio_api/proxy=", "static/", "?file=")


def test_no_file_of_the_servers_can_be_asked_for_by_any_of_the_ways_that_pages_have(served, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_text(TOLD_NOBODY)
    for name in (
        str(secret),
        "/proc/self/environ",
        f"file://{secret}",
        "http://127.0.0.1:9/x.png",
        "../secret.txt",
    ):
        for written in (name, quote(name, safe=""), quote(quote(name, safe=""), safe="")):
            for way in (
                "file=",
                "file/",
                "proxy=",
                "gradio_api/file=",
                "gradio_api/proxy=",
                "static/",
                "?file=",
            ):
                status, _, body = ask(served.url, "GET", f"/ui/{way}{written}")
                assert TOLD_NOBODY.encode() not in body
                assert status == (200 if way == "?file=" else 404), (way, written)


@pytest.mark.parametrize(
    "path", ["upload", "gradio_api/upload", "run/predict", "queue/join", "login", "config"]
)
def test_there_are_no_uploads_no_events_and_no_api_of_the_pages_own(served, path):
    for method in ("GET", "POST", "PUT", "DELETE"):
        status, headers, body = ask(served.url, method, f"/ui/{path}", b"x" * 100)
        assert (status, json.loads(body)["code"]) == (404, "not-found")
        assert headers["content-type"] == "application/problem+json"


def test_the_page_itself_is_read_and_nothing_is_sent_to_it(served):
    origin: dict[str, Any] = {"Origin": "https://attacker.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/ui/", list_files(served.url)[0]):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, headers, _ = ask(served.url, method, path, b"{}", **origin)
            assert status == 405
            assert "access-control-allow-origin" not in headers
        _, headers, body = ask(served.url, "GET", path, X_Forwarded_Host="attacker.example", **origin)
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert b"attacker.example" not in body


def test_with_keys_the_document_says_so_to_who_sent_none(tiny_store):
    digest = hashlib.sha256(b"gmd_mine").hexdigest()
    app = create_app(Settings(models=str(tiny_store), api_keys=f"me:{digest}"))
    with TestClient(app) as client:
        asked = client.get("/ui/")
        assert 'data-key="wanted"' in asked.text
        keyed = client.get("/ui/", auth=("any", "gmd_mine"))
        assert 'data-key="none"' in keyed.text
        assert keyed.headers["cache-control"] == "private, no-cache"
        assert client.get("/models").status_code == 401
        path = next(name for name in re.findall(r'"(assets/[^"]+)"', asked.text))
        assert client.get(f"/ui/{path}").status_code == 200
        assert client.post("/ui/").status_code == 401


def test_switched_off_there_is_no_page_and_the_root_leads_to_the_documentation(tiny_store):
    with TestClient(create_app(Settings(models=str(tiny_store), ui="off"))) as client:
        assert client.get("/", follow_redirects=False).headers["location"] == "docs"
        for path in ("/ui", "/ui/", f"/ui/assets/{Assets().digest}/page.js"):
            assert client.get(path).status_code == 404


PARSERS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"


def test_no_file_of_the_page_names_another_host_or_builds_html_of_texts():
    for path in FRONT.iterdir():
        text = path.read_text()
        hosts = set(re.findall(r"https?://([\w.-]+)", text)) - {"www.w3.org"}
        assert not hosts, path.name
        assert not re.search(PARSERS, text), path.name
        if path.suffix == ".js":
            assert len(text.splitlines()) <= 220, path.name
            assert text.startswith("/**"), f"{path.name} does not say what it is"


def test_every_file_is_reached_from_the_document():
    modules = {path.name: path.read_text() for path in FRONT.glob("*.js")}
    imported = {name for text in modules.values() for name in re.findall(r'from "\./([\w-]+\.js)"', text)}
    assert imported | {"main.js"} == set(modules)
    script = read_script().decode()
    form = r"^(?:export )?(?:async )?((?:function|class|const) \w+)"
    for name, text in modules.items():
        assert set(re.findall(form, text, re.MULTILINE)) <= set(re.findall(form, script, re.MULTILINE)), name
    assert Path(FRONT / "icon.svg").is_file()
