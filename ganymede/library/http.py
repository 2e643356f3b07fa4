"""Requests to a service: their headers, what becomes of their answers, and when they are made again."""

import math
import random
from collections.abc import Mapping
from typing import Any

import httpx

from foundation.errors import GanymedeError
from foundation.version import read_version
from ganymede.library.errors import ServiceFailed, Unreachable, WrongUse, read_problem

TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0
TRIES = 5
PATIENCE_S = 60.0
"""How long all waits of one request may take together."""

_PAUSE_S = 0.5
_AGAIN = (429, 503)
_JITTER = 0.25


def write_options(url: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    """What httpx's clients are made with.

    Raises:
        WrongUse: the URL is none of a service.
    """
    if not url.startswith(("http://", "https://")):
        raise WrongUse(
            f"{url!r} is no address of a service; write http://HOST:PORT. A store is opened by ganymede.open."
        )
    headers = {"User-Agent": f"ganymede-python/{read_version()}"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S))
    return {"base_url": url, "headers": headers, "timeout": timeout}


class Attempts:
    """The attempts at one request: what to do with each answer, and how long to wait before the next.

    It is made again where nothing answered and where the answer is 429 or 503, after the `Retry-After` that
    came with it and a little at random, so that many clients do not come back together (RFC 9110, 10.2.3).
    """

    def __init__(self, tries: int, patience_s: float) -> None:
        self._left, self._patience_s = tries, patience_s
        self._pause_s = _PAUSE_S

    def wait_after(self, answer: httpx.Response | httpx.TransportError) -> float | None:
        """None where the answer is good; else how many seconds to wait before the next attempt.

        Raises:
            GanymedeError: what the service said, or that it did not answer; another attempt is of no use.
        """
        if isinstance(answer, httpx.Response) and answer.is_success:
            return None
        self._left -= 1
        error = _explain(answer)
        again = not isinstance(answer, httpx.Response) or answer.status_code in _AGAIN
        wait_s = (error.retry_after_s or self._pause_s) * (1 + _JITTER * random.random())  # noqa: S311 - no secret
        self._pause_s *= 2
        if not again or self._left <= 0 or wait_s > self._patience_s:
            raise error from (None if isinstance(answer, httpx.Response) else answer)
        self._patience_s -= wait_s
        return wait_s


def _explain(answer: httpx.Response | httpx.TransportError) -> GanymedeError:
    if not isinstance(answer, httpx.Response):
        what = "did not answer in time" if isinstance(answer, httpx.TimeoutException) else "cannot be reached"
        return Unreachable(f"The service {what}: {answer or type(answer).__name__}.")
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return ServiceFailed(f"{answer.request.url} answered {answer.status_code}, and not as Ganymede does.")
    return read_problem(answer.status_code, document, _read_seconds(answer.headers))


def _read_seconds(headers: Mapping[str, str]) -> int | None:
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return math.ceil(seconds) if 0 < seconds < math.inf else None
