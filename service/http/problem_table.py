"""What each error is to a client: a status, a title, the headers that go with it. Nothing else knows them.

The table goes by the errors' codes, so that it has a row for those of every room and imports none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from foundation.errors import GanymedeError

Headers = tuple[tuple[str, str], ...]

_CLOSE: Headers = (("Connection", "close"),)
"""What comes next on the connection cannot be told apart from what was refused, or is not read."""

_KEYS_WANTED: Headers = (
    ("WWW-Authenticate", 'Bearer realm="ganymede"'),  # RFC 6750
    # A browser asks for a password, which is the key (RFC 7617); Chromium reads one way in a header's line.
    ("WWW-Authenticate", 'Basic realm="ganymede"'),
)


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What every problem document of one kind has in common."""

    status: int
    title: str
    headers: Headers = ()
    code: str | None = None
    """What the document says, where several kinds of error share a code."""


PROBLEM_TYPES: Mapping[str, ProblemType] = MappingProxyType(
    {
        "internal": ProblemType(500, "Internal error"),
        "malformed": ProblemType(400, "Malformed request"),
        "not-found": ProblemType(404, "Not found"),
        "model-not-found": ProblemType(404, "Model not found"),
        "method-not-allowed": ProblemType(405, "Method Not Allowed"),
        "not-acceptable": ProblemType(406, "Not acceptable"),
        "request-timeout": ProblemType(408, "Request timeout", _CLOSE),
        "body-too-large": ProblemType(413, "Body too large"),
        "unsupported-encoding": ProblemType(
            415, "Unsupported encoding", (("Accept-Encoding", "identity"),)
        ),  # what would be taken (RFC 9110, section 15.5.16)
        "unsupported-picture": ProblemType(415, "Unsupported picture"),
        "invalid-field": ProblemType(422, "Invalid field"),
        "client-gone": ProblemType(499, "Client gone"),  # nginx's
        # the engine and its limits
        "unavailable": ProblemType(503, "Unavailable"),
        "queue-full": ProblemType(503, "Queue full"),
        "bytes-full": ProblemType(503, "Too many bytes in flight"),
        "exhausted": ProblemType(503, "Exhausted"),
        "deadline-exceeded": ProblemType(504, "Deadline exceeded"),
        "generation-failed": ProblemType(500, "Generation failed"),
        # the store and its releases
        "store": ProblemType(500, "Model store error"),
        "cache-unusable": ProblemType(503, "Model store error", code="store"),
        "store-unreachable": ProblemType(503, "Model store unreachable"),
        "release-refused": ProblemType(503, "Release refused"),
        "no-projection": ProblemType(409, "No projection"),
        "already-published": ProblemType(409, "Version already published"),
        "already-signed": ProblemType(409, "Version already signed"),
        "alias-moved": ProblemType(409, "Alias moved"),
        # API keys
        "key-missing": ProblemType(401, "API key missing", _KEYS_WANTED),
        "key-unknown": ProblemType(403, "API key unknown"),
        "signature-wrong": ProblemType(403, "Signature wrong"),
        "signature-expired": ProblemType(403, "Signature expired"),
        "too-many-wrong-keys": ProblemType(429, "Too many wrong keys"),
        "rate-exceeded": ProblemType(429, "Rate exceeded"),
        "quota-exceeded": ProblemType(429, "Quota exceeded"),
        # connections and heads
        "address-too-long": ProblemType(414, "Address too long", _CLOSE),  # RFC 9110, section 15.5.15
        "head-too-large": ProblemType(431, "Head too large", _CLOSE),  # RFC 6585, section 5
        "too-many-waiting": ProblemType(429, "Too many requests wait", _CLOSE),
        "upgrade-refused": ProblemType(501, "Upgrade refused", _CLOSE),
        "too-many-connections": ProblemType(503, "Too many connections", _CLOSE),
    }
)


def problem_type(error: GanymedeError) -> ProblemType:
    """The row of `error`: that of its own code, else of the nearest class above it that has one."""
    for kind in type(error).__mro__:
        if (row := PROBLEM_TYPES.get(vars(kind).get("code", ""))) is not None:
            return row
    return PROBLEM_TYPES[GanymedeError.code]


def code_of(error: GanymedeError) -> str:
    """What the problem document of `error` says to programs."""
    return problem_type(error).code or error.code


def headers_of(error: GanymedeError) -> Headers:
    """The headers of the answer: its kind's, `Retry-After` and `Allow` (RFC 9110, 10.2.3 and 10.2.1)."""
    headers = problem_type(error).headers
    if (allowed := getattr(error, "allowed", None)) is not None:
        headers = (("Allow", allowed), *headers)
    if error.retry_after_s is not None:
        headers = (("Retry-After", str(error.retry_after_s)), *headers)
    return headers
