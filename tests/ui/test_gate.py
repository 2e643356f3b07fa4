"""What of Gradio's application can be reached, and by whom."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.ui.stranger import ask

NEEDED = {
    "/": {"GET", "HEAD"},
    "/assets/{path:path}": {"GET"},
    "/static/{path:path}": {"GET"},
    "/theme.css": {"GET"},
    "/gradio_api/file={path_or_url:path}": {"GET", "HEAD"},
    "/gradio_api/queue/data": {"GET"},
    "/gradio_api/queue/join": {"POST"},
    "/gradio_api/run/{api_name}": {"POST"},
}
"""The routes of Gradio 6.31 that the page needs; its file route is answered here."""

CLOSED = (
    "/openapi.json",
    "/login",
    "/logout",
    "/svelte/{path:path}",
    "/config",
    "/favicon.ico",
    "/robots.txt",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/manifest.json",
    "/monitoring",
    "/monitoring/summary",
    "/monitoring/{key}",
    "/gradio_api/deep_link",
    "/gradio_api/user",
    "/gradio_api/login_check",
    "/gradio_api/token",
    "/gradio_api/app_id",
    "/gradio_api/dev/reload",
    "/gradio_api/runs",
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/proxy={url_path:path}",
    "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/file/{path:path}",
    "/gradio_api/reset",
    "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/api/{api_name}",
    "/gradio_api/call/v2/{api_name}",
    "/gradio_api/call/{api_name}",
    "/gradio_api/cancel",
    "/gradio_api/queue/status",
    "/gradio_api/call/v2/{api_name}/{event_id}",
    "/gradio_api/call/{api_name}/{event_id}",
    "/gradio_api/component_server",
    "/gradio_api/upload_progress",
    "/gradio_api/upload",
    "/gradio_api/startup-events",
    "/gradio_api/theme.css",
    "/gradio_api/process_recording",
    "/gradio_api/vibe-edit",
    "/gradio_api/undo-vibe-edit",
    "/gradio_api/vibe-code",
    "/gradio_api/vibe-starter-queries",
)
"""The others: look at a new one before it is written here."""


@pytest.fixture(scope="module")
def behind(tiny_store, tmp_path_factory):
    """What Gradio's application, as the page mounts it, would answer if there were no gate."""
    words = [sys.executable, "-m", "tests.ui.list_routes", tiny_store, tmp_path_factory.mktemp("pictures")]
    listed = subprocess.run(
        words, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    return json.loads(listed.stdout)


@pytest.fixture(scope="module")
def routes(behind):
    """Path and methods of every route."""
    return [(path, set(methods)) for path, methods in behind["routes"]]


def test_every_route_of_gradios_was_looked_at(routes):
    assert len(routes) > 70
    unknown = {path for path, _ in routes} - {*NEEDED, *CLOSED, *(f"{path}/" for path in (*NEEDED, *CLOSED))}
    assert unknown == set()


def test_gradio_itself_copies_no_file_that_a_client_names(behind):
    assert (behind["status"], behind["copies"]) == (500, 0)


def test_what_the_page_does_not_need_is_not_there_by_any_method(routes, stranger):
    needed = {(path, method) for path, methods in NEEDED.items() for method in methods}
    for path, _ in routes:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            if (path, method) in needed or (method == "HEAD" and (path, "GET") in needed):
                continue
            asked = "/ui" + re.sub(r"\{[^}]*\}", "x", path)
            status, body = ask(stranger.url, method, asked, Content_Type="application/json")
            assert status in (404, 405), (method, asked, status)
            assert method == "HEAD" or json.loads(body)["code"] in ("not-found", "method-not-allowed")


def test_an_event_has_no_second_way_in_by_name_or_around_the_queue(stranger):
    number = stranger.find_event("pictures")
    body = json.dumps({"data": stranger.usual(number), "fn_index": number, "session_hash": stranger.session})
    for path in ("run/predict", "run/generate", "api/predict", "call/generate", "call/v2/generate"):
        assert ask_with_body(stranger, path, body).status_code in (400, 404), path
    unqueued = next(number for number, event in stranger.events.items() if not event["queue"])
    body = json.dumps(
        {"data": stranger.usual(unqueued), "fn_index": unqueued, "session_hash": stranger.session}
    )
    assert ask_with_body(stranger, "queue/join", body).status_code == 400


def ask_with_body(stranger, path: str, body: str) -> httpx.Response:
    return httpx.post(f"{stranger.url}/ui/gradio_api/{path}", content=body)


FOREIGN = (
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://[broken"},
    {"Origin": "{scheme}://{host}.elsewhere.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "{scheme}://{host}"},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_sites_page_gets_no_leave_and_no_event(stranger, headers):
    scheme, host = stranger.url.split("://")
    sent = {name: value.format(scheme=scheme, host=host) for name, value in headers.items()}
    number = stranger.find_event("pictures")
    body = {"data": stranger.usual(number), "fn_index": number, "session_hash": stranger.session}
    posted = stranger.client.post("/gradio_api/queue/join", json=body, headers=sent)
    assert (posted.status_code, posted.json()["code"]) == (403, "foreign-origin")
    asked = {**sent, "Access-Control-Request-Method": "POST"}
    others = [
        stranger.client.get("/", headers=sent),
        stranger.client.get("/theme.css", headers=sent),
        stranger.client.get(f"/gradio_api/queue/data?session_hash={stranger.session}", headers=sent),
        stranger.client.options("/gradio_api/queue/join", headers=asked),
        stranger.client.options("/", headers=asked),
    ]
    for answer in (posted, *others):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_pages_own_events_pass_also_behind_a_proxy_that_says_its_name(stranger):
    number = stranger.find_event("pictures")
    for headers in (
        {"Origin": stranger.url},
        {"Origin": stranger.url, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://pictures.example", "X-Forwarded-Host": "pictures.example"},
    ):
        body = {"data": stranger.usual(number), "fn_index": number, "session_hash": stranger.session}
        assert stranger.client.post("/gradio_api/queue/join", json=body, headers=headers).status_code == 200
    assert all(end["success"] for end in stranger.finish())


@pytest.mark.parametrize("folder", ["assets", "static"])
def test_a_name_longer_than_files_have_is_not_found(stranger, folder):
    for path in ("a" * 129, "a" * 5000, "/".join(["a" * 100] * 60), "a/" * 9 + "a"):
        status, body = ask(stranger.url, "GET", f"/ui/{folder}/{path}")
        assert (status, json.loads(body)["code"]) == (404, "not-found"), path[:20]


FORGED = {
    "X-Forwarded-Host": "attacker.example",
    "X-Forwarded-Proto": "https",
    "X-Gradio-Server": "https://attacker.example/ui",
    "Forwarded": "host=attacker.example;proto=https",
}


def test_a_clients_word_for_the_host_reaches_neither_the_page_nor_an_answer(stranger):
    for headers in (FORGED, {**FORGED, "X-Forwarded-Host": "[broken", "X-Gradio-Server": "http://[broken"}):
        page = stranger.client.get("/", headers=headers)
        assert page.status_code == 200
        assert "attacker.example" not in page.text
        assert '"root":"/ui"' in page.text  # which is right at every host
        number = stranger.find_event("releases")
        body = {"data": stranger.usual(number), "fn_index": number, "session_hash": stranger.session}
        assert stranger.client.post("/gradio_api/queue/join", json=body, headers=headers).status_code == 200
        [end] = stranger.finish()
        assert end["success"]
        assert "attacker.example" not in json.dumps(end)


def test_pictures_and_curl_lines_have_the_address_that_the_browser_shows(stranger):
    number = stranger.find_event("pictures")
    body = {"data": stranger.usual(number), "fn_index": number, "session_hash": stranger.session}
    headers = {"Origin": "https://pictures.example", "Sec-Fetch-Site": "same-origin", **FORGED}
    assert stranger.client.post("/gradio_api/queue/join", json=body, headers=headers).status_code == 200
    told = json.dumps(stranger.finish())
    assert "https://pictures.example/ui/gradio_api/file=" in told
    assert "curl -X POST https://pictures.example/generate " in told
