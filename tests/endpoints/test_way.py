"""The way of a `POST /generate` from its route to its bytes is short: few modules, few returns."""

import asyncio
import sys

import pytest

from service.application import create_app
from service.encoding import pictures
from service.encoding.png import write_png
from service.settings import Settings

MOST_MODULES = 8
MOST_RETURNS = 6


def await_chain(coroutine):
    """The calls that wait for each other, from the outermost to the innermost, by module and name."""
    found = []
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        found.append((frame.f_globals["__name__"], frame.f_code.co_name))
        coroutine = coroutine.cr_await
    return found


def call_stack(frame):
    """The calls around `frame`, from the outermost, by module and name."""
    found = []
    while frame is not None:
        found.append((frame.f_globals["__name__"], frame.f_code.co_name))
        frame = frame.f_back
    return found[::-1]


async def follow(app):
    """The calls that a request waits in when its bytes are made, those that make them, and the answer."""
    seen, sent, request = [], [], [{"type": "http.request", "body": b'{"seed": 7, "count": 4}'}]

    async def receive():
        return request.pop() if request else await asyncio.sleep(3600)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/generate",
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 5000),
    }

    def write_seen(image):
        seen.append((await_chain(task.get_coro()), call_stack(sys._getframe(0))))
        return write_png(image)

    await app.state.context.releases.resolve("grey")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "write_png", write_seen)
        task = asyncio.ensure_future(app(scope, receive, send))
        await task
    return *seen[0], sent


def test_a_request_for_pictures_goes_through_few_modules_and_comes_back_by_few_returns(tiny_store):
    app = create_app(Settings(models=str(tiny_store), default_model="grey", ui="off"))
    waiting, making, sent = asyncio.run(follow(app))
    assert sent[0]["status"] == 200
    route = next(index for index, (module, _) in enumerate(waiting) if module == "service.http.hot_paths")
    returns = [call for call in waiting[route + 1 :] if call[0].startswith("service.")]
    made_by = [call for call in making if call[0].startswith(("service.", "foundation."))]
    modules = {module for module, _ in returns} | {module for module, _ in made_by}
    modules |= {"service.encoding.png", "service.http.responses"}  # what writes the bytes, what sends them
    assert 0 < len(returns) <= MOST_RETURNS, returns
    assert len(modules) <= MOST_MODULES, modules
