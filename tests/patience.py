"""How long the tests wait. They wait for events; these limits only end what hangs, on the slowest machine."""

import inspect
import time
from collections.abc import Callable
from typing import Any

import httpx
import hypothesis

PATIENCE_S = 300.0


def have_patience() -> None:
    """Wait as long in every test that says nothing of it, and let no example be too slow.

    httpx gives up after five seconds by itself, Hypothesis after 200 ms an example. The examples are the same
    in every run: `make fuzz` looks for others.
    """
    clients: tuple[Any, ...] = (httpx.Client, httpx.AsyncClient)
    calls: tuple[Any, ...] = (httpx.get, httpx.post, httpx.head, httpx.put, httpx.delete, httpx.request)
    for function in (*calls, httpx.options, httpx.patch, httpx.stream, *(each.__init__ for each in clients)):
        inspect.unwrap(function).__kwdefaults__["timeout"] = httpx.Timeout(PATIENCE_S)
    hypothesis.settings.register_profile(
        "patient",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("patient")


def wait_until(condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
    """Ask for `condition` again and again until it holds; the limit only ends what hangs."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit_s:g} s"
        time.sleep(0.02)
