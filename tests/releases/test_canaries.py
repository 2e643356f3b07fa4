"""A canary answers its share of callers, always the same ones, and a shadow none of them."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from foundation.errors import ModelNotFound, StoreError
from foundation.store import FolderStore, promote, rollback, try_out
from foundation.store.aliases import Aliases
from service.releases.canaries import find_place
from tests.conftest import metric, run_server
from tests.store.bad_releases import publish_bad
from tests.store.releases import publish_bytes
from tests.store.test_reloading import wait_until
from tests.tiny_models import TinyModel, publish_tiny_model

CALLERS = [f"192.0.2.{number}" for number in range(1, 25)]
KEYS = ",".join(
    f"k{index}:{digest}"
    for index, digest in enumerate(
        (
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",  # a
            "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",  # b
        )
    )
)


pytestmark = pytest.mark.xdist_group("canaries")  # one store and one service for all of them


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tried")
    for version, seed in (("v1", 1), ("v2", 2), ("v1-again", 1)):
        alias = "production" if version == "v1" else None
        publish_tiny_model(folder, TinyModel(version=version, weight_seed=seed), alias=alias)
    return folder


@pytest.fixture(scope="module")
def running(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that looks at its store all the time, and begins with a canary."""
    begin(root)
    with (
        run_server(
            root, tmp_path_factory.mktemp("server"), "--reload-interval-s", "0.1", "--proxy-hops", "1"
        ) as server,
        server.client() as client,
    ):
        yield client


@pytest.fixture
def trying(running: httpx.Client, root: Path) -> httpx.Client:
    """The same where each test begins: v1 in production, and v2 tried on four of ten."""
    begin(root)
    wait_until(
        lambda: {caller: ask(running, caller) for caller in CALLERS} == expect_all(0.4), "it begins anew"
    )
    return running


def begin(root: Path) -> None:
    store = FolderStore(root)
    if store.aliases("grey").entries["production"].version != "v1":
        promote(store, "grey", "v1")
    try_out(store, "grey", "v2", share=0.4)


def ask(client: httpx.Client, caller: str, **fields: object) -> str:
    order = {"seed": 1, "count": 1, **fields}
    answer = client.post("/generate", json=order, headers={"X-Forwarded-For": caller})
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Model"]


def expect(caller: str, share: float) -> str:
    return "grey@v2" if find_place("grey", caller) < share else "grey@v1"


def expect_all(share: float) -> dict[str, str]:
    return {caller: expect(caller, share) for caller in CALLERS}


def canary_of(client: httpx.Client) -> object:
    return client.get("/models/grey").json()["aliases"]["production"].get("canary")


def test_both_versions_are_there_as_soon_as_the_service_is_ready(trying: httpx.Client) -> None:
    assert set(trying.get("/models/grey").json()["loaded"]) == {"v1", "v2"}
    assert canary_of(trying) == {"version": "v2", "share": 0.4, "shadow": False}


def test_a_caller_gets_the_same_version_every_time_and_keeps_it_while_the_share_grows(
    trying: httpx.Client, root: Path
) -> None:
    asked = {caller: ask(trying, caller) for caller in CALLERS}
    assert asked == expect_all(0.4)
    assert set(asked.values()) == {"grey@v1", "grey@v2"}
    assert {ask(trying, caller, model="grey@production") for caller in CALLERS} == {"grey@v1", "grey@v2"}
    chosen = next(caller for caller, answer in asked.items() if answer == "grey@v2")
    assert ask(trying, chosen, model="grey@v1") == "grey@v1"
    late = next(caller for caller in CALLERS if 0.4 <= find_place("grey", caller) < 0.8)
    try_out(FolderStore(root), "grey", "v2", share=0.8)
    wait_until(lambda: ask(trying, late) == "grey@v2", "the share grows")
    assert all(ask(trying, caller) == "grey@v2" for caller in CALLERS if asked[caller] == "grey@v2")


def test_nobody_chooses_its_version_by_writing_an_address_before_the_one_that_the_proxy_wrote(
    trying: httpx.Client,
) -> None:
    itself = "127.0.0.1"  # which may say addresses: uvicorn alone would go on to the left of it
    versions = {ask(trying, f"{caller}, {itself}") for caller in CALLERS}
    assert versions == {ask(trying, itself)}


def test_an_alias_address_has_the_tag_of_the_callers_version_and_is_asked_for_anew(
    trying: httpx.Client,
) -> None:
    def look(caller: str, **headers: str) -> httpx.Response:
        headers["X-Forwarded-For"] = caller
        return trying.get("/images/grey/7.png", headers=headers)

    old = max(CALLERS, key=lambda caller: find_place("grey", caller))
    new = min(CALLERS, key=lambda caller: find_place("grey", caller))
    first, second = look(old), look(new)
    assert (first.headers["X-Model"], second.headers["X-Model"]) == ("grey@v1", "grey@v2")
    assert first.headers["ETag"] != second.headers["ETag"]
    assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "no-cache"
    assert look(new, **{"If-None-Match": first.headers["ETag"]}).status_code == 200
    assert look(new, **{"If-None-Match": second.headers["ETag"]}).status_code == 304


def test_requests_are_counted_by_the_version_that_answers(trying: httpx.Client) -> None:
    count = 'ganymede_version_requests_total{model="grey",status="200",version="v2"}'
    before = metric(trying, count)
    assert ask(trying, CALLERS[0], model="grey@v2") == "grey@v2"
    assert metric(trying, count) == before + 1
    wrong = {"model": "grey@v2", "label": "none"}
    assert trying.post("/generate", json=wrong).status_code == 422
    assert metric(trying, count.replace("200", "422")) == 1
    assert metric(trying, 'ganymede_version_request_seconds_count{model="grey",version="v2"}') > before


def test_a_canary_that_fails_its_check_is_left_out_and_said(trying: httpx.Client, root: Path) -> None:
    publish_bad(root, "bad-golden", "other-pictures")
    try_out(FolderStore(root), "grey", "bad-golden", share=1.0)

    def told() -> str:
        return str(trying.get("/readyz").raise_for_status().json().get("refused", {}))

    wait_until(lambda: "golden check failed" in told(), "the refusal is told")
    assert "grey@bad-golden" in told()
    assert {ask(trying, caller) for caller in CALLERS} == {"grey@v1"}
    assert rollback(FolderStore(root), "grey") == ("bad-golden", "v1")
    wait_until(lambda: "grey" not in told(), "nothing is refused any more")


def test_a_shadow_answers_nobody_and_is_compared_on_the_same_seeds(trying: httpx.Client, root: Path) -> None:
    def images(version: str, outcome: str) -> float:
        labels = f'{{model="grey",outcome="{outcome}",version="{version}"}}'
        return metric(trying, f"ganymede_shadow_images_total{labels}")

    def ask_until(version: str, outcome: str) -> None:
        def seen() -> bool:
            assert ask(trying, CALLERS[0], count=9) == "grey@v1"
            return images(version, outcome) > 0

        wait_until(seen, f"{version} is compared")

    try_out(FolderStore(root), "grey", "v1-again", share=0, shadow=True)
    wait_until(lambda: {ask(trying, caller) for caller in CALLERS} == {"grey@v1"}, "nobody has a canary")
    ask_until("v1-again", "same")
    assert images("v1-again", "differs") == 0
    try_out(FolderStore(root), "grey", "v2", share=0, shadow=True)
    ask_until("v2", "differs")
    assert images("v2", "differs") % 4 == 0  # a sample of each request, not all nine
    metrics = trying.get("/metrics").text
    assert re.search(r'ganymede_shadow_seconds_count\{model="grey",version="v2"\} [1-9]', metrics)
    assert 'ganymede_images_total{model="grey",version="v1-again"}' not in metrics


def test_a_full_promotion_and_a_rollback_end_the_trial(trying: httpx.Client, root: Path) -> None:
    store = FolderStore(root)
    try_out(store, "grey", "v2", share=0.5)
    promote(store, "grey", "v2")
    wait_until(lambda: {ask(trying, caller) for caller in CALLERS} == {"grey@v2"}, "all have v2")
    assert canary_of(trying) is None
    try_out(store, "grey", "v1", share=1.0)
    wait_until(lambda: ask(trying, CALLERS[0]) == "grey@v1", "v1 is on trial")
    assert rollback(store, "grey") == ("v1", "v2")
    wait_until(lambda: ask(trying, CALLERS[0]) == "grey@v2", "the trial is over")
    assert rollback(store, "grey") == ("v2", "v1")


def test_with_keys_a_caller_is_its_key(root: Path, tmp_path: Path) -> None:
    store = FolderStore(root)
    promote(store, "grey", "v1")
    places = {name: find_place("grey", f"key {name}") for name in ("k0", "k1")}
    first = min(places, key=lambda name: places[name])
    try_out(store, "grey", "v2", share=sum(places.values()) / 2)
    with (
        run_server(root, tmp_path, "--ui", "off", GANYMEDE_API_KEYS=KEYS) as server,
        server.client() as client,
    ):
        for name, key in (("k0", "a"), ("k1", "b")):
            for address in CALLERS[:6]:
                headers = {"X-Api-Key": key, "X-Forwarded-For": address}
                answer = client.post("/generate", json={"seed": 1, "count": 1}, headers=headers)
                assert answer.headers["X-Model"] == ("grey@v2" if name == first else "grey@v1")


def test_what_cannot_be_tried_is_refused_in_words(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    publish_bytes(store, version="v1")
    publish_bytes(store, version="v2")
    with pytest.raises(ModelNotFound, match="no alias 'production'"):
        try_out(store, "grey", "v2", share=0.1)
    promote(store, "grey", "v1")
    with pytest.raises(StoreError, match="already, for all"):
        try_out(store, "grey", "v1", share=0.1)
    with pytest.raises(ModelNotFound, match="no version 'v9'"):
        try_out(store, "grey", "v9", share=0.1)
    try_out(store, "grey", "v2", share=0.1)
    assert try_out(store, "grey", "v2", share=0.0) is None
    assert b"canary" not in store.aliases("grey").to_json()


def test_readers_of_before_and_after_keep_each_others_fields() -> None:
    text = b'{"production": {"version": "v1", "canary": {"version": "v2", "share": 0.1, "until": "noon"}}}'
    aliases = Aliases.from_json(text, "1", "aliases.json")
    assert b'"until": "noon"' in aliases.to_json()
    moved = Aliases.from_json(text.replace(b'"v1"', b'"v2"'), "1", "aliases.json")  # by an older `promote`
    assert moved.entries["production"].trial is None


def test_the_command_line_says_what_became_of_the_alias(root, call_ganymede, tmp_path) -> None:
    promote(FolderStore(root), "grey", "v1")
    done = call_ganymede("promote", "grey", "v2", "--share", "5%", "--models", root)
    assert done.stdout == "grey@production stays; its canary is v2 now (5 %).\n", done.stderr
    assert "production (5 %)" in call_ganymede("models", "--models", root).stdout
    assert (
        "from 0% to 100%" in call_ganymede("promote", "grey", "v2", "--share", "5", "--models", root).stderr
    )
    done = call_ganymede("promote", "grey", "v2", "--share", "0%", "--models", root)
    assert done.stdout == "grey@production has no canary now.\n", done.stderr
