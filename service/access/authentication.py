"""Who may ask: API keys, known here by their hashes alone."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from foundation.errors import GanymedeError, MalformedRequest
from service.access.keys import ApiKey
from service.access.refusals import Refusals
from service.access.signed_addresses import SIGNED
from service.http.addresses import OPEN_PATHS, is_page, path_of
from service.http.problems import describe, protocol_members
from service.http.requesters import note_key
from service.settings import Settings

MAX_KEY_BYTES = 1024
"""A longer one is not even hashed."""

log = logging.getLogger(__name__)


class KeyMissing(GanymedeError):
    """The request carries no API key."""

    code = "key-missing"


class KeyUnknown(GanymedeError):
    """The request's API key is not one of this service's."""

    code = "key-unknown"


class ApiKeys:
    """ASGI middleware: lets a request through whose key is known; with no keys configured, every request."""

    def __init__(self, app: ASGIApp, *, keys: Mapping[str, ApiKey], refusals: Refusals) -> None:
        self._app = app
        self._digests = {name: key.digest for name, key in keys.items()}
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if (
            not self._digests
            or scope["type"] == "lifespan"
            or path_of(scope) in OPEN_PATHS
            or SIGNED in scope
        ):
            await self._app(scope, receive, send)
            return
        try:
            name = self._identify(scope)
        except GanymedeError as error:
            if not (isinstance(error, KeyMissing) and is_page(scope)):
                self._refusals.record(scope, error)
                await describe(error, **protocol_members(scope, error))(scope, receive, send)
                return
        else:
            note_key(scope, name)
        await self._app(scope, receive, send)

    def _identify(self, scope: Scope) -> str:
        key = read_key(Headers(scope=scope))
        if key is None:
            raise KeyMissing("Send your API key as `Authorization: Bearer KEY` or `X-Api-Key: KEY`.")
        digest = hashlib.sha256(key).digest() if len(key) <= MAX_KEY_BYTES else b""
        found = None
        for name, known in self._digests.items():  # all of them: the time tells nothing of which
            if hmac.compare_digest(digest, known):
                found = name
        if found is None:
            self._refusals.check_guess(scope)
            raise KeyUnknown("This API key is not known here.")
        return found


def read_key(headers: Headers) -> bytes | None:
    """The API key that a request carries: `X-Api-Key`, else Bearer, else the password of Basic (RFC 7617).

    Its bytes as they came: no encoding is guessed. `X-Api-Key` goes first, for `Authorization` may be for a
    proxy in front.

    Raises:
        MalformedRequest: the field that decides comes twice and says different things.
    """
    if given := _read_once(headers, "x-api-key"):
        return given
    scheme, _, credentials = _read_once(headers, "authorization").partition(b" ")
    if scheme.lower() == b"bearer":
        return credentials.strip() or None
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2] or None
        except binascii.Error:
            return None
    return None


def _read_once(headers: Headers, name: str) -> bytes:
    values = {value.encode("latin-1").strip() for value in headers.getlist(name)}  # as Starlette decoded them
    if len(values) > 1:
        raise MalformedRequest(f"{name} comes {len(values)} times with different values; send it once.")
    return values.pop() if values else b""


def warn_if_open(settings: Settings, keys: Mapping[str, ApiKey]) -> None:
    """Say loudly that a service without keys listens where others can reach it."""
    if not keys and not is_loopback(settings.host):
        log.warning(
            "ANYONE who reaches %s:%s may use this service: GANYMEDE_API_KEYS is not set. "
            "`ganymede key NAME` makes a key and its entry.",
            settings.host,
            settings.port,
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
