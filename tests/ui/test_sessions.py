"""How many visitors the page keeps apart, and that each reads its own answers alone."""

import asyncio
import hashlib
import json
import threading
from contextlib import ExitStack

import httpx
import pytest

from foundation.errors import NotFound, Unavailable
from service.http.requesters import requesting
from service.ui.sessions import MAX_SESSIONS, MAX_UNREAD_EVENTS, MAX_UNREAD_MESSAGES, Sessions
from tests.conftest import run_server
from tests.patience import PATIENCE_S
from tests.ui.stranger import Stranger

KEYS = {"ann": "gmd_ann", "bob": "gmd_bob"}
IMAGES = 64


@pytest.fixture(scope="module")
def keyed(tiny_store, tmp_path_factory):
    """A server that lets each key have 64 images in 64,000 seconds, of at most 100,000 pixels an answer."""
    entries = [f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in KEYS.items()]
    variables = {
        "GANYMEDE_API_KEYS": ",".join(entries),
        "GANYMEDE_RATE_IMAGES_PER_S": "0.001",
        "GANYMEDE_MAX_IMAGES_PER_REQUEST": str(IMAGES),
        "GANYMEDE_DEFAULT_MODEL": "grey",
    }
    with run_server(tiny_store, tmp_path_factory.mktemp("keyed"), **variables) as server:
        yield server


@pytest.fixture
def visit(keyed):
    with ExitStack() as stack:
        yield lambda name, session: stack.enter_context(
            Stranger(keyed.url, session, headers={"X-Api-Key": KEYS[name]})
        )


def test_events_without_the_page_count_for_their_key_as_requests_do(keyed, visit):
    ann = visit("ann", "a")
    pictures = ann.find_event("pictures")
    order = ann.usual(pictures)
    assert ann.run(pictures, order)["success"]  # 16 pictures
    asked = httpx.post(
        f"{keyed.url}/generate", json={"count": 40}, headers=ann.client.headers, timeout=PATIENCE_S
    )
    assert asked.status_code == 200
    for _ in range(2):
        refused = ann.run(pictures, order)
        assert not refused["success"]
        assert "The key 'ann' has 8 images left" in refused["output"]["error"]
    explored = ann.run(ann.find_event("explored"), ann.usual(ann.find_event("explored")))
    assert explored["success"]  # 8 pictures
    keys = ann.usual(ann.find_event("video"))
    keys[3:5] = ["1, 5", 10]
    assert "has 0 images left" in ann.run(ann.find_event("video"), keys)["output"]["error"]


def test_without_a_key_there_is_neither_page_nor_event_nor_picture(keyed):
    for method, path in (
        ("GET", "/ui/"),
        ("POST", "/ui/gradio_api/queue/join"),
        ("POST", "/ui/gradio_api/run/predict"),
        ("GET", "/ui/gradio_api/queue/data?session_hash=a"),
        ("GET", "/ui/gradio_api/file=/tmp/x.png"),
        ("GET", "/ui//"),
        ("GET", "/ui/theme.css"),
    ):
        assert httpx.request(method, keyed.url + path).status_code == 401, path


def test_a_session_is_its_keys_alone(visit):
    ann, bob = visit("ann", "shared"), visit("bob", "shared")
    number = ann.find_event("releases")
    assert ann.post(number, ann.usual(number)).status_code == 200
    assert bob.post(number, bob.usual(number)).status_code == 404
    assert bob.client.get("/gradio_api/queue/data?session_hash=shared").status_code == 404
    assert ann.finish()[-1]["success"]


def test_no_stream_stays_open_for_a_session_that_waits_for_nothing(visit):
    ann = visit("ann", "quiet")
    for query in ("", "?session_hash=", "?session_hash=quiet", "?session_hash=nobody", "?session_hash=%00"):
        answer = ann.client.get(f"/gradio_api/queue/data{query}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    number = ann.find_event("releases")
    assert ann.run(number, ann.usual(number))["success"]
    assert ann.client.get("/gradio_api/queue/data?session_hash=quiet").text.count("close_stream") == 1


def test_streams_beyond_the_bounds_are_refused_and_those_that_wait_are_not_forgotten():
    async def check() -> None:
        import gradio
        from gradio.state_holder import StateHolder

        with gradio.Blocks() as page:
            gradio.Markdown("a page")
        StateHolder().set_blocks(page)
        waiting = page.queue()._queue.pending_event_ids_session
        sessions = Sessions(page, max_sessions=3, max_streams=3)
        for name in "abc":
            sessions.enter(name, None)
            waiting[name] = {"an event"}
        with ExitStack() as stack:
            for name in "aab":
                stack.enter_context(sessions.stream(name, None))
            for name in "abc":
                with pytest.raises(Unavailable), sessions.stream(name, None):
                    pass
            sessions.enter("d", None)  # in the place of c, which has no stream
            assert (sessions.waits("a"), sessions.waits("c")) == (True, False)
            with pytest.raises(NotFound), sessions.stream("c", None):
                pass
            sessions.enter("e", None)  # in the place of d
            with pytest.raises(NotFound), sessions.stream("d", None):
                pass
        with sessions.stream("e", None):
            pass

    asyncio.run(check())


def test_one_address_leaves_sessions_and_streams_to_others():
    def scope(host):
        return {"type": "http", "client": (host, 1)}

    async def check() -> None:
        import gradio
        from gradio.state_holder import StateHolder

        with gradio.Blocks() as page:
            gradio.Markdown("a page")
        StateHolder().set_blocks(page)
        waiting = page.queue()._queue.pending_event_ids_session
        sessions = Sessions(page, max_sessions=16, max_streams=8)
        with requesting(scope("192.0.2.2")):
            sessions.enter("quiet", None)
        waiting["quiet"] = {"an event"}
        with ExitStack() as stack:
            with requesting(scope("192.0.2.1")):
                for index in range(100):
                    sessions.enter(f"greedy{index}", None)
                for index in range(95, 100):
                    stack.enter_context(sessions.stream(f"greedy{index}", None))
                stack.enter_context(sessions.stream("greedy99", None))
                with pytest.raises(Unavailable), sessions.stream("greedy98", None):
                    pass
                with pytest.raises(NotFound), sessions.stream("greedy80", None):  # in the place of its own
                    pass
            assert sessions.waits("quiet")
            with requesting(scope("192.0.2.2")):
                stack.enter_context(sessions.stream("quiet", None))
                sessions.enter("another", None)
        with requesting(scope("192.0.2.1")), sessions.stream("greedy98", None):
            pass

    asyncio.run(check())


def test_sessions_beyond_the_bound_push_out_the_idlest_and_the_queue_goes_on(visit, keyed):
    ann = visit("ann", "many")
    number = ann.find_event("releases")
    body = {"data": ann.usual(number), "fn_index": number}
    assert ann.post(number, body["data"]).status_code == 200
    assert ann.finish()[-1]["success"]
    refused = 0

    def join(part: int) -> None:
        nonlocal refused
        for index in range(MAX_SESSIONS // 3 + 10):
            told = json.dumps({**body, "session_hash": f"s{part}-{index}"})
            answer = ann.client.post("/gradio_api/queue/join", content=told)
            assert answer.status_code in (200, 503)
            refused += answer.status_code == 503

    joining = [threading.Thread(target=join, args=(part,)) for part in range(3)]
    for thread in joining:
        thread.start()
    for thread in joining:
        thread.join()
    assert ann.client.get("/gradio_api/queue/data?session_hash=s0-0").status_code == 404  # it was forgotten
    assert ann.run(number, body["data"])["success"]
    assert "Traceback" not in keyed.log.read_text()


def test_a_session_that_reads_none_of_its_answers_gets_no_more_until_it_does(visit, keyed):
    ann = visit("ann", "unread")
    number = ann.find_event("releases")
    answers = [ann.post(number, ann.usual(number)) for _ in range(MAX_UNREAD_EVENTS + 8)]
    # The whole queue may be full, too; what it took stays to be read.
    taken = [answer for answer in answers if answer.status_code == 200]
    assert len(taken) <= MAX_UNREAD_EVENTS
    while len(taken) < MAX_UNREAD_EVENTS:
        taken += [answer for answer in [ann.post(number, ann.usual(number))] if answer.status_code == 200]
    refused = ann.post(number, ann.usual(number))
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert "has not read the answers" in refused.json()["detail"]
    assert visit("ann", "another").run(number, ann.usual(number))["success"]
    ends = ann.finish()
    assert len(ends) == MAX_UNREAD_EVENTS
    assert all(end["success"] for end in ends)
    assert ann.run(number, ann.usual(number))["success"]


def test_messages_of_few_events_are_bounded_too_and_answers_that_are_lost_do_not_count():
    async def check() -> None:
        import gradio

        with gradio.Blocks() as page:
            gradio.Markdown("a page")
        queue = page.queue()._queue
        sessions = Sessions(page)
        sessions.check_unread("a")
        queue.pending_event_ids_session["a"] = {str(index) for index in range(MAX_UNREAD_EVENTS)}
        queue.pending_messages_per_session["a"] = messages = asyncio.Queue()
        sessions.check_unread("a")  # no such event is under way, and nothing is there to be read
        messages.put_nowait("the end of one")
        with pytest.raises(Unavailable):
            sessions.check_unread("a")
        queue.pending_event_ids_session["a"] = {"0"}
        sessions.check_unread("a")
        for _ in range(MAX_UNREAD_MESSAGES):
            messages.put_nowait("one step of many")
        with pytest.raises(Unavailable):
            sessions.check_unread("a")

    asyncio.run(check())
