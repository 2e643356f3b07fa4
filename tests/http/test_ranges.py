"""Parts of the files that are served: those that there are, and those that cannot be."""

import pytest

FILES = ("/favicon.ico", "/static-offline-docs/swagger-ui.css")


@pytest.mark.parametrize("path", FILES)
def test_a_part_that_there_is_comes(client, path):
    whole = client.get(path).content
    for given, part in (("bytes=2-5", whole[2:6]), ("bytes=-3", whole[-3:]), ("BYTES=9-", whole[9:])):
        answer = client.get(path, headers={"Range": given})
        assert (answer.status_code, answer.content) == (206, part)


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    "given", ["bytes=abc", "bytes=", "items=0-1", "nonsense", "bytes=-", f"bytes={9**99}-"]
)
def test_what_is_no_range_of_bytes_is_passed_over(client, path, given):
    answer = client.get(path, headers={"Range": given})
    assert (answer.status_code, answer.content) == (200, client.get(path).content)


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ("bytes=99999999-", 416, "range-not-satisfiable"),
        ("bytes=-0", 416, "range-not-satisfiable"),
        ("bytes=5-2", 400, "malformed"),
    ],
)
def test_a_part_that_cannot_be_is_refused_in_a_document(client, path, given, status, code):
    size = len(client.get(path).content)
    for method in ("GET", "HEAD"):
        answer = client.request(method, path, headers={"Range": given})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers.get("content-range") == (f"bytes */{size}" if status == 416 else None)
        assert method == "HEAD" or answer.json()["code"] == code
    assert client.get("/livez").status_code == 200
