"""Signed addresses of pictures: what they open, until when, and what is not one."""

import concurrent.futures
import hashlib
import io
import re
import time

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service.access.url_signatures import (
    MAX_LIFETIME_S,
    SignatureExpired,
    SignatureWrong,
    check_address,
    read_signing_keys,
    sign_address,
)
from service.settings import Settings, WrongSetting
from tests.conftest import run_server

KEY, OLD, OTHER = "k" * 40, "o" * 40, "x" * 40
API_KEY = "gmd_of-alice"
PICTURE = "/images/grey@v1/7.png"
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def guarded(tiny_store, tmp_path_factory):
    """A server that wants keys, behind a prefix, and takes signatures of two."""
    variables = {
        "GANYMEDE_API_KEYS": f"alice:{hashlib.sha256(API_KEY.encode()).hexdigest()}",
        "GANYMEDE_URL_SIGNING_KEYS": f"{KEY},{OLD}",
        "GANYMEDE_ROOT_PATH": "/pre",
        "GANYMEDE_WRONG_KEYS_PER_MINUTE": "1000",
    }
    folder = tmp_path_factory.mktemp("signed")
    with run_server(tiny_store, folder, "--default-model", "grey", **variables) as running:
        yield running


def signed(path=PICTURE, query=(), *, seconds=600, key=KEY):
    return sign_address(path, query, expires=int(time.time()) + seconds, key=key.encode())


def read(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_signed_address_shows_its_picture_where_keys_are_wanted(guarded):
    with guarded.client() as client:
        assert client.get(f"{PICTURE}?scale=2").status_code == 401
        kept = client.get(f"{PICTURE}?scale=2", headers={"X-Api-Key": API_KEY})
        assert kept.status_code == 200
        for key in (KEY, OLD):
            shown = client.get(signed(query=[("scale", "2")], key=key))
            assert shown.status_code == 200
            both = f"{kept.headers}: {kept.content.hex()}\n{shown.headers}: {shown.content.hex()}"
            assert np.array_equal(read(shown.content), read(kept.content)), both  # the picture, then the file
            assert shown.content == kept.content, both
            assert shown.headers["etag"] == kept.headers["etag"]
            head = client.head(signed(query=[("scale", "2")], key=key))
            assert head.status_code == 200
        again = client.get(signed(), headers={"If-None-Match": client.get(signed()).headers["etag"]})
        assert again.status_code == 304


def test_caches_keep_a_signed_picture_no_longer_than_its_signature_lasts(guarded):
    with guarded.client() as client:
        control = client.get(signed(seconds=600)).headers["cache-control"]
        moving = client.get(signed("/images/grey/7.png")).headers["cache-control"]
    assert control.startswith("public")
    assert 0 < int(re.search(r"max-age=(\d+)", control)[1]) <= 600
    assert moving == "no-cache"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: url.replace("7.png", "8.png"), "signature-wrong"),
        (lambda url: url.replace("grey@v1", "grey@v2"), "signature-wrong"),
        (lambda url: url.replace("?", "?scale=64&"), "signature-wrong"),
        (lambda url: url.replace("expires=", "expires=9"), "signature-wrong"),
        (lambda url: url + "&signature=x", "signature-wrong"),
        (lambda url: url + "&expires=99999999999", "signature-wrong"),
        (lambda url: re.sub("signature=.*", "signature=", url), "signature-wrong"),
        (lambda url: re.sub("signature=.*", "signature=%FF%00é", url), "signature-wrong"),
        (lambda url: re.sub("expires=[0-9]+&", "", url), "signature-wrong"),
        (lambda url: re.sub("expires=[0-9]+", "expires=٣", url), "signature-wrong"),
        (lambda url: url.replace("?", "?" + "a=1&" * 100), "signature-wrong"),
        (lambda _: signed(key=OTHER), "signature-wrong"),
        (lambda _: signed(seconds=-1), "signature-expired"),
        (lambda _: signed(seconds=MAX_LIFETIME_S + 60), "signature-wrong"),
    ],
)
def test_what_was_changed_or_is_over_is_refused_with_its_reason(guarded, change, code):
    with guarded.client() as client:
        answer = client.get(change(signed()))
    assert (answer.status_code, answer.json()["code"]) == (403, code)


def test_a_signature_opens_nothing_but_its_picture(guarded):
    query = signed().partition("?")[2]
    with guarded.client() as client:
        assert client.get(f"/models?{query}").status_code == 401
        assert client.post(f"/generate?{query}").status_code == 401
        assert client.post(signed()).status_code == 401
        assert client.get(signed("/images/../models")).status_code in (401, 403, 404)
        wrong = client.get(signed(query=[("labl", "star")]))
        assert (wrong.status_code, wrong.json()["field"]) == (422, "labl")


def test_however_a_proxy_escapes_an_address_its_signature_holds(guarded):
    with guarded.client() as client:
        url = signed(query=[("scale", "2"), ("truncation", "0.5")])
        path, _, query = url.partition("?")
        turned = "&".join(reversed(query.split("&")))
        for other in (f"{path.replace('@', '%40')}?{query}", f"{path}?{turned}"):
            assert client.get(other).status_code == 200


def test_a_service_that_signs_nothing_says_so(client):
    answer = client.get(signed())
    assert (answer.status_code, answer.json()["code"]) == (403, "signature-wrong")
    assert "GANYMEDE_URL_SIGNING_KEYS" in answer.json()["detail"]


def test_a_page_of_pictures_is_drawn_at_once(guarded):
    urls = [guarded.url + signed(f"/images/grey@v1/{seed}.png") for seed in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(httpx.get, urls)} == {200}


def strip(url):
    """What a proxy passes on, which takes its prefix away."""
    return url.replace("/pre/", "/", 1)


def test_the_command_signs_what_the_service_takes(guarded, call_ganymede):
    url = f"{guarded.url}/pre{PICTURE}?scale=3"
    variables = {"GANYMEDE_URL_SIGNING_KEYS": KEY, "GANYMEDE_ROOT_PATH": "/pre"}
    done = call_ganymede("sign-url", url, "--valid", "1h", **variables)
    assert done.returncode == 0, done.stderr
    made = done.stdout.strip()
    assert made.startswith(f"{url}&expires=")
    assert httpx.get(strip(made)).status_code == 200
    again = call_ganymede("sign-url", made, "--valid", "2h", **variables)
    assert again.stdout.count("expires=") == 1
    assert httpx.get(strip(again.stdout.strip())).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "key", "word"),
    [
        ((PICTURE,), "", "GANYMEDE_URL_SIGNING_KEYS"),
        ((PICTURE,), "short", "32 characters"),
        (("https://host/models",), KEY, "/images/"),
        ((PICTURE, "--valid", "367d"), KEY, "366d"),
        ((PICTURE, "--valid", "soon"), KEY, "366d"),
    ],
    ids=str,
)
def test_what_cannot_be_signed_is_refused_in_a_sentence(call_ganymede, arguments, key, word):
    done = call_ganymede("sign-url", *arguments, GANYMEDE_URL_SIGNING_KEYS=key)
    assert done.returncode != 0
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_that_could_be_guessed_stops_the_start():
    with pytest.raises(WrongSetting):
        read_signing_keys(Settings(url_signing_keys="short"))
    assert read_signing_keys(Settings(url_signing_keys=f" {KEY} , {OLD} ")) == (KEY.encode(), OLD.encode())


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(path=NAMES, query=st.lists(st.tuples(NAMES, NAMES), max_size=5))
def test_what_was_signed_is_read_back_and_its_time_ends_it(path, query):
    pairs = [(name, value) for name, value in query if name not in ("expires", "signature")]
    url = sign_address(f"/images/{path}", pairs, expires=NOW + 60, key=b"k")
    text = url.partition("?")[2].encode()
    assert check_address(f"/images/{path}", text, keys=[b"a", b"k"], now=NOW) == (pairs, NOW + 60)
    with pytest.raises(SignatureExpired):
        check_address(f"/images/{path}", text, keys=[b"k"], now=NOW + 60)
    with pytest.raises(SignatureWrong):
        check_address(f"/images/{path}x", text, keys=[b"k"], now=NOW)
