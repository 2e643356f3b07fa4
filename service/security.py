"""Who may ask: API keys, known here by their hashes alone."""

import base64
import contextvars
import hashlib
import hmac
import ipaddress
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import GanymedeError
from service.problems import describe
from service.settings import Settings, WrongSetting

OPEN_PATHS = frozenset({"/livez", "/readyz", "/ping", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""What load balancers and Prometheus ask without a key; none of it generates."""

_FOR_BROWSERS = 'Basic realm="ganymede"'
"""It lets them ask for a password, which is the key (RFC 7617); Chromium reads one way in a header's line."""

_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<digest>[0-9a-fA-F]{64})")
_MAX_FILE_BYTES = 2**20

log = logging.getLogger(__name__)
_SCOPE_KEY = "ganymede.key"
_key_name: contextvars.ContextVar[str | None] = contextvars.ContextVar("key_name", default=None)


class KeyMissing(GanymedeError):
    """The request carries no API key."""

    status = 401
    code = "key-missing"
    title = "API key missing"

    @property
    def headers(self) -> dict[str, str]:
        """How to send one (RFC 6750); a browser needs `_FOR_BROWSERS` beside it."""
        return {"WWW-Authenticate": 'Bearer realm="ganymede"'}


class KeyUnknown(GanymedeError):
    """The request's API key is not one of this service's."""

    status = 403
    code = "key-unknown"
    title = "API key unknown"


class ApiKeys:
    """ASGI middleware: lets a request through whose key is known; with no keys configured, every request."""

    def __init__(self, app: ASGIApp, *, digests: Mapping[str, bytes]) -> None:
        self._app = app
        self._digests = dict(digests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if not self._digests or scope["type"] == "lifespan" or path in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            name = self._identify(Headers(scope=scope))
        except (KeyMissing, KeyUnknown) as error:
            log.warning("%s: refused, %s", path, error.code)
            members = (
                {"error": str(error)} if path.startswith("/v2") else {}
            )  # what that protocol's clients show
            response = describe(error, **members)
            if isinstance(error, KeyMissing):
                response.headers.append("WWW-Authenticate", _FOR_BROWSERS)
            await response(scope, receive, send)
            return
        scope[_SCOPE_KEY] = name
        _key_name.set(name)
        await self._app(scope, receive, send)

    def _identify(self, headers: Headers) -> str:
        key = read_key(headers)
        if key is None:
            raise KeyMissing("Send your API key as `Authorization: Bearer KEY` or `X-Api-Key: KEY`.")
        digest = hashlib.sha256(key.encode()).digest()
        found = None
        for name, known in self._digests.items():  # all of them: the time tells nothing of which
            if hmac.compare_digest(digest, known):
                found = name
        if found is None:
            raise KeyUnknown("This API key is not known here.")
        return found


def current_key() -> str | None:
    """The name of the API key of the request that is being answered."""
    return _key_name.get()


@contextmanager
def on_behalf_of(scope: Scope) -> Iterator[None]:
    """Let what is done inside be the doing of the key that the request of `scope` came with.

    A request's own task knows its key; one that works for many requests does not.
    """
    token = _key_name.set(scope.get(_SCOPE_KEY))
    try:
        yield
    finally:
        _key_name.reset(token)


def read_key(headers: Headers) -> str | None:
    """The API key that a request carries: Bearer, `X-Api-Key`, or the password of Basic."""
    if given := headers.get("x-api-key"):
        return given
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(credentials, validate=True).decode()
        except ValueError:  # no base64, or no UTF-8; what is not ASCII is no base64 either
            return None
        return text.partition(":")[2] or None
    return None


def read_digests(settings: Settings) -> dict[str, bytes]:
    """The keys' names and sha256 digests: `NAME:HASH`, separated by commas or lines, or a file of them.

    Raises:
        WrongSetting: an entry is none; what it holds is not repeated, for it may be a key.
    """
    text = settings.api_keys.get_secret_value().strip() if settings.api_keys else ""
    if text and ":" not in text:
        text = _read_file(Path(text))
    entries = [line.partition("#")[0].strip() for line in re.split(r"[,\n]", text)]
    digests: dict[str, bytes] = {}
    for number, entry in enumerate(filter(None, entries), 1):
        match = _ENTRY.fullmatch(entry)
        if match is None or match["name"] in digests:
            raise WrongSetting(
                f"GANYMEDE_API_KEYS: entry {number} is not NAME:SHA256 with 64 hexadecimal digits and a name "
                "of its own. `ganymede key NAME` makes a key and its entry."
            )
        digests[match["name"]] = bytes.fromhex(match["digest"])
    return digests


def warn_if_open(settings: Settings, digests: Mapping[str, bytes]) -> None:
    """Say loudly that a service without keys listens where others can reach it."""
    if not digests and not is_loopback(settings.host):
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


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        raise WrongSetting("GANYMEDE_API_KEYS is neither NAME:SHA256 nor a file that can be read.") from None
