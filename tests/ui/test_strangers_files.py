"""No event takes a path from a client, and nothing is served but what the page made."""

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.ui.stranger import SECRET, ask


def find_pictures(place: Path) -> Path:
    return next((place / "tmp").glob("ganymede-page-locked-*"))


def assert_nothing_was_copied(place: Path) -> None:
    copies = [path for path in find_pictures(place).rglob("*") if path.is_file()]
    assert [path for path in copies if SECRET in path.read_bytes()] == []


def files(place: Path) -> list[dict]:
    """A file, in every way in which Gradio takes one."""
    meta = {"meta": {"_type": "gradio.FileData"}}
    paths = ("/proc/self/environ", str(place / "tmp" / "secret.png"), str(place / "secret.svg"))
    named: list[dict] = [{"path": path, **meta} for path in paths]
    asked: list[dict] = [
        {"path": "http://127.0.0.1:9/x.png", "url": "http://127.0.0.1:9/x.png", **meta},
        {"path": "", "url": "http://169.254.169.254/latest/meta-data", **meta},
        {"path": str(place / "secret.svg"), "is_stream": True, **meta},
    ]
    return named + asked


def wrap(named: list[dict]) -> list:
    """Each file, and one of them in every shape in which components hold files."""
    gallery = {"image": named[0], "caption": None}
    return [*named, [named[0]], [gallery], {"value": named[0]}, {"a": {"b": [named[0]]}}, [[named[0], "x"]]]


def test_no_event_takes_a_file_in_any_place_of_its_values(stranger, place):
    assert len(stranger.events) > 15
    for number in stranger.events:
        usual = stranger.usual(number)
        for index in range(len(usual)):
            for value in wrap(files(place)):
                answer = stranger.post(number, [*usual[:index], value, *usual[index + 1 :]])
                assert answer.status_code == 400, (number, index, value)
                assert answer.headers["content-type"] == "application/problem+json"
    assert_nothing_was_copied(place)


def test_a_file_beside_the_values_of_an_event_is_not_looked_at(stranger, place):
    for number in stranger.events:
        for file in files(place)[:3]:
            members = {"event_data": {"index": 1, "value": file, "path": file["path"], **file}, "extra": file}
            assert stranger.post(number, stranger.usual(number), **members).status_code == 200
    stranger.finish()
    assert_nothing_was_copied(place)


def test_a_path_as_a_text_is_a_text(stranger, place):
    for number in stranger.events:
        kinds = stranger.kinds(number)
        for index, kind in enumerate(kinds):
            if kind not in ("dropdown", "textbox", "radio", "json"):
                continue
            path = str(place / "tmp" / "secret.png")
            data = stranger.usual(number)
            data[index] = [path] if kind == "json" else path
            stranger.run(number, data)
    assert_nothing_was_copied(place)


NAMES = (
    "/proc/self/environ",
    "{place}/secret.svg",
    "{place}/tmp/secret.png",
    "{pictures}/../secret.png",
    "{pictures}/./../secret.png",
    "{pictures}/..%2fsecret.png",
    "{pictures}/%2e%2e/secret.png",
    "{pictures}/link.png",
    "{pictures}/folder/secret.png",
    "{pictures}",
    "{pictures}/",
    "{pictures}/x%00.png",
    "file://{place}/tmp/secret.png",
    "file:{place}/tmp/secret.png",
    "http://127.0.0.1:1/x.png",
    "https:/169.254.169.254/latest/x.png",
    "//{place}/tmp/secret.png",
    "../../../../../../../../../../../proc/self/environ",
    "tests/ui/stranger.py",
    "secret.png",
    "",
    "a" * 5000 + ".png",
)


def test_a_file_is_served_from_the_pages_own_folder_alone(stranger, place):
    stranger.run(stranger.find_event("pictures"), stranger.usual(stranger.find_event("pictures")))
    pictures = find_pictures(place)
    own = next(pictures.rglob("*.png"))
    (pictures / "link.png").symlink_to(place / "tmp" / "secret.png")
    (pictures / "folder").symlink_to(place / "tmp")
    status, body = ask(stranger.url, "GET", f"/ui/gradio_api/file={own}")
    assert status == 200
    assert body == own.read_bytes()
    assert ask(stranger.url, "HEAD", f"/ui/gradio_api/file={own}")[0] == 200
    for name in NAMES:
        told = name.format(place=place, pictures=pictures)
        for written in {told, quote(told, safe="%"), quote(quote(told, safe="")), "/" + told}:
            for prefix in ("gradio_api/file=", "gradio_api/file/", "file=", "gradio_api/proxy="):
                status, body = ask(stranger.url, "GET", f"/ui/{prefix}{written}")
                assert status in (400, 404), (prefix, written, status)
                assert SECRET not in body


@pytest.mark.parametrize("place_of_files", ["/assets/", "/static/", "/svelte/", "/custom_component/"])
def test_nothing_leads_out_of_gradios_own_files(stranger, place_of_files):
    up = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..;/", "%252e%252e%252f", "....//", "./../")
    for step in up:
        for name in ("etc/passwd", "proc/self/environ", "routes.py", "templates/frontend/index.html"):
            for count in (1, 2, 3, 12):
                status, body = ask(stranger.url, "GET", f"/ui{place_of_files}{step * count}{name}")
                assert status == 404, (step, name, status)
                assert SECRET not in body
                assert b"root:" not in body
    assert ask(stranger.url, "GET", f"/ui{place_of_files}/etc/passwd")[0] == 404
    assert ask(stranger.url, "GET", f"/ui{place_of_files}.env")[0] == 404


def test_the_folder_is_the_servers_alone(place, stranger):
    assert find_pictures(place).stat().st_mode & 0o077 == 0
