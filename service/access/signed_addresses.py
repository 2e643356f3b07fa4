"""Pictures in pages: an address that was signed is answered without a key, until its time is over."""

import re
import time
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundation.errors import GanymedeError
from service.access.refusals import Refusals
from service.access.url_signatures import SIGNATURE, SIGNED_PATHS, SignatureWrong, check_address
from service.http.addresses import path_of
from service.http.problems import describe, protocol_members

SIGNED = "ganymede.signed"
"""Where the scope of a request says that its address was signed."""

_MAX_AGE = re.compile(rb"max-age=(\d+)")


class SignedAddresses:
    """ASGI middleware, outside of the keys': checks the signature of a GET or HEAD that carries one.

    What comes behind sees the address without it. Caches may keep the answer for as long as the signature
    lasts and no longer, whoever they answer.
    """

    def __init__(self, app: ASGIApp, *, keys: tuple[bytes, ...], refusals: Refusals) -> None:
        self._app = app
        self._keys = keys
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or not _is_signed(scope):
            await self._app(scope, receive, send)
            return
        now = time.time()
        try:
            pairs, expires = self._check(scope, now)
        except GanymedeError as error:
            self._refusals.record(scope, error)
            await describe(error, **protocol_members(scope, error))(scope, receive, send)
            return
        left_s = int(expires - now)

        async def send_bounded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, _bound(value, left_s) if name.lower() == b"cache-control" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        inner = dict(scope, query_string=urlencode(pairs).encode(), **{SIGNED: True})
        try:
            await self._app(inner, receive, send_bounded)
        finally:
            scope["route"] = inner.get("route")  # for telemetry

    def _check(self, scope: Scope, now: float) -> tuple[list[tuple[str, str]], int]:
        if not self._keys:
            raise SignatureWrong("This service signs no addresses: GANYMEDE_URL_SIGNING_KEYS is not set.")
        try:
            pairs, expires = check_address(path_of(scope), scope["query_string"], keys=self._keys, now=now)
        except SignatureWrong:
            self._refusals.check_guess(scope)
            raise
        return list(pairs), expires


def _is_signed(scope: Scope) -> bool:
    named = scope["method"] in ("GET", "HEAD") and path_of(scope).startswith(SIGNED_PATHS)
    return named and f"{SIGNATURE}=".encode() in scope["query_string"]


def _bound(value: bytes, left_s: int) -> bytes:
    """A `Cache-Control` whose `max-age` is at most `left_s`."""
    return _MAX_AGE.sub(lambda found: b"max-age=%d" % min(int(found[1]), left_s), value)
