"""`GET /latent-walk`: a walk with an address, for `<video>`, caches and whoever saves links."""

import io

import numpy as np
import pytest

from tests.conftest import metric

LINK = "/latent-walk?seeds=1,5,9&frames=12&model=grey@v2"
BODY = {"seeds": [1, 5, 9], "frames": 12, "model": "grey@v2"}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {}),
        ("&format=mp4&fps=25", {"format": "mp4", "fps": 25}),
        ("&format=npy&loop=true&easing=smooth", {"format": "npy", "loop": True, "easing": "smooth"}),
        ("&format=npy&loop=1&interpolation=lerp", {"format": "npy", "loop": True, "interpolation": "lerp"}),
        ("&format=apng&truncation=0.5&scale=3", {"format": "apng", "truncation": 0.5, "scale": 3}),
        ("&format=mp4&stream=true", {"format": "mp4", "stream": True}),
    ],
)
def test_a_link_is_what_the_same_fields_in_a_body_are(client, query, fields):
    linked = client.get(LINK + query)
    posted = client.post("/latent-walk", json=BODY | fields)
    assert linked.status_code == posted.status_code == 200
    assert linked.content == posted.content
    for name in ("content-type", "etag", "x-seed", "x-model"):
        assert linked.headers[name] == posted.headers[name]


def test_classes_are_names_with_commas_or_fields_of_their_own(client):
    body = {"model": "colour", "seeds": [1, 2], "frames": 4, "format": "npy", "labels": ["star", "circle"]}
    wanted = np.load(io.BytesIO(client.post("/latent-walk", json=body).content))
    for query in ("seeds=1,2&labels=star,circle", "seeds=1&seeds=2&labels=star&labels=circle"):
        answer = client.get(f"/latent-walk?model=colour&frames=4&format=npy&{query}")
        assert np.array_equal(np.load(io.BytesIO(answer.content)), wanted)


def test_with_a_version_a_link_is_kept_for_ever_and_without_one_asked_for_again(client):
    assert client.get(LINK).headers["cache-control"] == "public, max-age=31536000, immutable"
    for model in ("", "&model=grey", "&model=grey@production"):
        answer = client.get(f"/latent-walk?seeds=1,2&frames=4{model}")
        assert answer.headers["cache-control"] == "no-cache"


def test_what_is_known_by_its_tag_is_not_made_again(client):
    tag = client.get(LINK).headers["etag"]
    before = metric(client, 'ganymede_images_total{model="grey",version="v2"}')
    answer = client.get(LINK, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert metric(client, 'ganymede_images_total{model="grey",version="v2"}') == before


def test_a_part_of_a_film_is_asked_for_by_its_range_and_the_file_stays_the_same(client):
    whole = client.get(LINK + "&format=mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    for named in ("etag", "last-modified"):
        fields = {"Range": "bytes=100-299", "If-Range": whole.headers[named]}
        part = client.get(LINK + "&format=mp4", headers=fields)
        assert (part.status_code, part.content) == (206, whole.content[100:300])
        assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    beyond = client.get(LINK + "&format=mp4", headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range-not-satisfiable")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "seeds"),
        ("seeds=1", "seeds"),
        ("seeds=", "seeds.0"),
        ("seeds=1,x", "seeds.1"),
        ("seeds=1,4294967296", "seeds.1"),
        ("seeds=1,2&frames=1", "frames"),
        ("seeds=1,2&frames=2&frames=3", "frames"),
        ("seeds=1,2&loop=yes", "loop"),
        ("seeds=1,2&latents=1", "latents"),
        ("seeds=1,2&strange=1", "strange"),
        ("seeds=1,2&truncation=nan", "truncation"),
        ("seeds=1,2&format=tiff", "format"),
        ("seeds=1,2&format=mp4&fps=121", "fps"),
    ],
)
def test_a_wrong_query_names_its_field(client, query, field):
    answer = client.get(f"/latent-walk?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_any_site_may_show_a_link_and_its_address_says_which_methods_it_has(client):
    assert client.get(LINK).headers["cross-origin-resource-policy"] == "cross-origin"
    assert client.post("/latent-walk", json=BODY).headers["cross-origin-resource-policy"] == "same-origin"
    assert set(client.put("/latent-walk").headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    head = client.head(LINK)
    assert (head.status_code, head.content) == (200, b"")


def test_plain_bytes_are_a_type_that_may_be_asked_for(client):
    octets = {"Accept": "application/octet-stream"}
    for path in (LINK, "/images/grey@v2/7.png"):
        plain, named = client.get(path, headers=octets), client.get(path)
        assert plain.content == named.content
        assert (plain.headers["content-type"], named.headers["content-type"]) == (
            octets["Accept"],
            "image/png",
        )
        assert plain.headers["vary"] == "Accept"
    posted = client.post("/generate", json={"seeds": [1]}, headers=octets)
    assert (posted.status_code, posted.headers["content-type"]) == (200, octets["Accept"])
    assert posted.content.startswith(b"\x89PNG")


def test_the_number_of_seeds_is_said_beside_them(client):
    few = client.post("/generate", json={"seed": 3, "count": 5})
    assert (few.headers["x-seed"], few.headers["x-seed-count"]) == ("3", "5")
    many = client.post("/generate", json={"seeds": list(range(0, 200, 2))})
    assert many.headers["x-seed"].endswith(",126,...")
    assert many.headers["x-seed-count"] == "100"
    assert "x-seed-count" not in client.post("/generate", json={"latents": [[0.0] * 6]}).headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_walk_is_counted_under_its_address_however_it_is_asked_for(client, method):
    counted = 'ganymede_requests_total{route="/latent-walk",status="422"}'
    before = metric(client, counted)
    asked = {"json": {"seeds": [1]}} if method == "POST" else {"params": {"seeds": "1"}}
    assert client.request(method, "/latent-walk", **asked).status_code == 422
    assert metric(client, counted) == before + 1
