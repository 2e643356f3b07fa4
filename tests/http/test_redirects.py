"""A slash too many or too few, and where it leads."""

from urllib.parse import urljoin

import pytest

from service.http.redirects import turn_slash

PUBLIC = "https://here.example/prefix"


@pytest.mark.parametrize(
    ("path", "there"),
    [("/livez/", "/livez"), ("/models/?a=b&c=%2F", "/models?a=b&c=%2F")],
)
@pytest.mark.parametrize("host", ["another.example", "another.example:1", "[", "a@b/c?d#e"])
def test_a_slash_too_many_leads_to_no_host_of_the_clients(client, path, there, host):
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 307
    assert urljoin(PUBLIC + path, answer.headers["location"]) == PUBLIC + there
    assert client.get(path, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("path", ["/a:b", "/a/b"])
def test_a_slash_too_few_leads_there_below_any_prefix(path):
    assert urljoin(PUBLIC + path, turn_slash(path.encode(), b"c=d")) == f"{PUBLIC}{path}/?c=d"


@pytest.mark.parametrize(
    ("path", "there"), [("/a//", "/a"), ("//a.example/b/", "/a.example/b"), ("//a", "/a/"), ("//", "/")]
)
def test_slashes_side_by_side_lead_to_the_root_of_the_same_host(path, there):
    assert turn_slash(path.encode(), b"") == there
