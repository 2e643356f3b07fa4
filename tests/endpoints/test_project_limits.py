"""Projections that take too long, whose clients leave, or whose keys have had enough."""

import asyncio
import hashlib
import io
import threading
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from foundation.errors import InvalidField
from service.application import create_app
from service.endpoints import projection_work
from service.engine.batching import WaitingJobs
from service.engine.cores import usable_cores
from service.engine.projections import projection_images
from service.engine.projector import ProjectionGraph
from service.http.requesters import requesting
from service.settings import Settings
from tests.patience import PATIENCE_S, wait_until
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.tiny_projections import project_tiny_model

STEPS = 3
KEY = {"X-Api-Key": "mine"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root, folder = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("graphs")
    model = TinyModel(name="face", channels=3)
    publish_tiny_model(root, model, more=project_tiny_model(model, folder, steps=STEPS))
    return root


@pytest.fixture(scope="module")
def photo():
    file = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(file, "PNG")
    return file.getvalue()


def new_app(store, **settings):
    return create_app(Settings(models=str(store), default_model="face", ui="off", **settings))


def slow_down(monkeypatch, until: float | threading.Event) -> list[int]:
    """Let each run of a graph take so many seconds, or last until then; how many rows each had."""
    answer, runs = ProjectionGraph.answer, list[int]()

    def answer_slowly(self, arrays, limit=None):
        if limit is None:  # not while it is opened and tried
            runs.append(len(arrays["pictures"]))
            time.sleep(until) if isinstance(until, float) else until.wait(PATIENCE_S)
        return answer(self, arrays, limit)

    monkeypatch.setattr(ProjectionGraph, "answer", answer_slowly)
    return runs


def watch_departures(monkeypatch) -> set[bool]:
    """Whether those whose work leaves the queue have given it up."""
    discard, seen = WaitingJobs.discard, set[bool]()

    def discard_watched(self, job, *, given_up=False):
        seen.add(given_up)
        discard(self, job, given_up=given_up)

    monkeypatch.setattr(WaitingJobs, "discard", discard_watched)
    return seen


def scope_of(steps: int) -> dict:
    return {
        "type": "http",
        "method": "POST",
        "path": "/project",
        "query_string": b"steps=%d" % steps,
        "headers": [],
        "client": ("192.0.2.1", 5000),
    }


async def ask(app, messages: asyncio.Queue, *, steps: int = 200) -> list[dict]:
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    await app(scope_of(steps), messages.get, send)
    return sent


async def load(context) -> None:
    """Open the release and its encoder before anyone asks, however long it takes."""
    await context.releases.load_default()
    release = await context.releases.resolve(None)
    await release.projection.get(context.releases.projecting, PATIENCE_S)


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what threads change tells no event loop
            await asyncio.sleep(0.01)


def test_one_that_takes_too_long_is_answered_and_leaves_nothing_behind(store, photo, monkeypatch):
    over = threading.Event()
    runs, given_up = slow_down(monkeypatch, over), watch_departures(monkeypatch)

    async def scenario(limit_s):
        app = new_app(store, request_timeout_s=limit_s)
        context, messages = app.state.context, asyncio.Queue()
        await load(context)
        messages.put_nowait({"type": "http.request", "body": photo})
        sent = await ask(app, messages)  # while its first step runs
        over.set()
        await until(lambda: context.engine.room.held == 0 and context.budget.held_bytes == 0)
        made = len(runs)
        await asyncio.sleep(0.2)
        return sent[0]["status"], made, len(runs)

    status, made, later = asyncio.run(scenario(1.0))
    if made == 0:  # it took as long to read the picture here
        over.clear()
        status, made, later = asyncio.run(scenario(60.0))
    assert status == 504
    assert given_up == {False}
    assert 0 < made < 200
    assert later <= made + 1


def test_one_whose_client_left_is_not_finished(store, photo, monkeypatch):
    runs, given_up = slow_down(monkeypatch, 0.02), watch_departures(monkeypatch)

    async def scenario():
        app = new_app(store, request_timeout_s=PATIENCE_S)
        context, messages = app.state.context, asyncio.Queue()
        await load(context)
        messages.put_nowait({"type": "http.request", "body": photo})
        asking = asyncio.ensure_future(ask(app, messages))
        await until(lambda: len(runs) > 3)
        messages.put_nowait({"type": "http.disconnect"})
        sent = await asking
        await until(lambda: context.engine.room.held == 0 and context.budget.held_bytes == 0)
        return sent[0]["status"]

    assert asyncio.run(scenario()) == 499
    assert given_up == {True}
    assert len(runs) < 200


def test_steps_of_requests_that_wait_run_in_batches_together(store, photo, monkeypatch):
    runs = slow_down(monkeypatch, 0.05)  # meanwhile others come to wait, on any machine

    async def scenario():
        app = new_app(store, request_timeout_s=PATIENCE_S)
        context = app.state.context
        await load(context)
        asked = []
        for _ in range(12):
            messages: asyncio.Queue = asyncio.Queue()
            messages.put_nowait({"type": "http.request", "body": photo})
            asked.append(ask(app, messages, steps=20))
        return await asyncio.gather(*asked)

    answers = asyncio.run(scenario())
    assert {sent[0]["status"] for sent in answers} == {200}
    assert len({b"".join(part.get("body", b"") for part in sent) for sent in answers}) == 1
    assert sum(runs) == 12 * 22
    assert len(runs) < sum(runs) / 2
    assert max(runs) <= 32


def test_a_key_pays_for_what_a_projection_costs_and_for_no_damaged_file(store, photo):
    keys = f"me:{hashlib.sha256(b'mine').hexdigest()}"
    cost = projection_images(1, STEPS)
    settings = {"api_keys": keys, "quota_images_per_day": 3 * cost + 1, "request_timeout_s": PATIENCE_S}
    with TestClient(new_app(store, **settings), headers=KEY) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)

        def left(answer) -> str:
            return answer.headers["ratelimit"]

        first = client.post("/project", content=photo)
        assert first.status_code == 200, first.text
        assert f"r={2 * cost + 1}" in left(first)
        assert client.post("/project", content=photo[:60]).status_code == 422
        assert client.post("/project", content=photo[:-30]).status_code == 422
        assert f"r={cost + 1}" in left(client.post("/project", content=photo))
        refused = client.post("/project?steps=4", content=photo)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")


def stop_measuring(monkeypatch) -> tuple[threading.Event, threading.Event]:
    """Let the measuring of pictures last until the second event; the first says that it began."""
    began, go_on = threading.Event(), threading.Event()

    def measure(*_, **__):
        began.set()
        go_on.wait(PATIENCE_S)
        raise InvalidField("pictures.0", "measured")

    monkeypatch.setattr(projection_work, "measure_photos", measure)
    return began, go_on


def test_pictures_that_take_too_long_to_measure_are_answered_in_time(store, photo, monkeypatch):
    began, go_on = stop_measuring(monkeypatch)

    async def scenario(limit_s):
        app = new_app(store, request_timeout_s=limit_s)
        context, messages = app.state.context, asyncio.Queue()
        await load(context)
        messages.put_nowait({"type": "http.request", "body": photo})
        sent = await asyncio.wait_for(ask(app, messages), PATIENCE_S / 2)
        held = context.budget.held_bytes
        go_on.set()
        await until(lambda: context.budget.held_bytes == 0 and context.photos.alive == 0)
        return sent[0]["status"], held

    for limit_s in (1.0, 10.0, 100.0):  # the first in which this machine comes to measure anything
        answer = asyncio.run(scenario(limit_s))
        if began.is_set():
            break
        go_on.clear()
    assert answer == (504, len(photo))


def test_a_client_that_leaves_while_its_pictures_wait_gives_back_its_place(store, photo, monkeypatch):
    began, go_on = stop_measuring(monkeypatch)

    async def scenario():
        app = new_app(store, request_timeout_s=PATIENCE_S)
        context = app.state.context
        await load(context)
        queues = [asyncio.Queue() for _ in range(1 + usable_cores())]
        asked = []
        for messages in queues:
            messages.put_nowait({"type": "http.request", "body": photo})
            asked.append(asyncio.ensure_future(ask(app, messages)))
        await until(lambda: began.is_set() and context.budget.held_bytes == len(photo) * len(queues))
        queues[-1].put_nowait({"type": "http.disconnect"})
        left = await asyncio.wait_for(asked[-1], PATIENCE_S / 2)
        held = context.budget.held_bytes
        go_on.set()
        others = await asyncio.gather(*asked[:-1])
        return left[0]["status"], held // len(photo), {sent[0]["status"] for sent in others}

    assert asyncio.run(scenario()) == (499, usable_cores(), {422})


def test_nobody_holds_all_the_threads_that_read_pictures(store):
    go_on = threading.Event()

    async def scenario():
        context = new_app(store).state.context
        with requesting({"client": ("192.0.2.1", 1)}):
            held = [asyncio.ensure_future(context.photos.run(go_on.wait, PATIENCE_S)) for _ in range(64)]
            await asyncio.sleep(0)
        with requesting({"client": ("192.0.2.2", 1)}):
            other = await asyncio.wait_for(context.photos.run(lambda: "read"), PATIENCE_S / 2)
        go_on.set()
        return other, await asyncio.gather(*held)

    assert asyncio.run(scenario()) == ("read", [True] * 64)


def grey(side: int, dtype: type, level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side), level, dtype)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def test_what_can_be_read_at_all_is_admitted_and_else_the_most_pixels_are_named(store):
    pixels = 512 * 512
    settings = {"max_bytes_in_flight": 64 * pixels, "max_picture_pixels": 4 * pixels}
    with TestClient(new_app(store, request_timeout_s=PATIENCE_S, **settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        for dtype, level in ((np.uint8, 200), (np.uint16, 50_000)):
            fits = client.post("/project", content=grey(512, dtype, level))
            assert fits.status_code == 200, fits.text
            never = client.post("/project", content=grey(1024, dtype, level))
            assert (never.status_code, never.json()["field"]) == (422, "pictures.0")
            most = 64 * pixels // (32 if dtype is np.uint8 else 48)
            named = [int(word) for word in never.json()["detail"].replace(",", "").split() if word.isdigit()]
            assert any(0.9 * most < number <= most for number in named), never.json()["detail"]


def test_the_largest_picture_that_is_read_by_default_fits_into_what_answers_may_hold():
    settings = Settings(models="models")
    assert settings.max_picture_pixels * 48 + settings.max_body_bytes < settings.max_bytes_in_flight


def test_an_encoder_that_answers_no_finite_numbers_is_refused_for_that(store, photo, monkeypatch):
    answer = ProjectionGraph.answer
    monkeypatch.setattr(ProjectionGraph, "answer", lambda *given: answer(*given) * np.float32("nan"))
    with TestClient(new_app(store, request_timeout_s=PATIENCE_S)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        refused = client.post("/project", content=photo)
    assert refused.json()["code"] == "release-refused"
    assert "answers golden pictures with numbers that are not finite" in refused.json()["detail"]


def test_who_asks_for_what_is_not_there_is_not_told_where_the_store_is(store, photo):
    with TestClient(new_app(store, request_timeout_s=PATIENCE_S)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        answers = [
            client.post("/project?model=none", content=photo),
            client.post("/generate", json={"model": "none"}),
            client.post("/generate", json={"model": "face@v9"}),
            client.get("/models/none"),
            client.get("/models/face/versions/v9"),
            client.get("/models/face/versions/v9/metrics.json"),
            client.get("/v2/models/none"),
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert not [answer.text for answer in answers if str(store) in answer.text]
    assert "There is no model 'none' in the store. There is face." in answers[0].text
