"""What goes wrong for those who use Ganymede as a library: `foundation.errors`, and these of its tree."""

from collections.abc import Mapping
from typing import Any

from foundation.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    GanymedeError,
    InvalidField,
    MalformedRequest,
    ModelNotFound,
    NoProjection,
    NotAcceptable,
    NotFound,
    Unavailable,
    UnsupportedPicture,
)


class WrongUse(GanymedeError):
    """Something was asked of the library that it cannot do."""

    code = "wrong-use"


class KeyRefused(GanymedeError):
    """The service wants an API key, or does not know this one."""

    code = "key-refused"


class TooManyRequests(GanymedeError):
    """More was asked for than this key may have now; `retry_after_s` says when to ask again."""

    code = "rate-exceeded"


class Unreachable(GanymedeError):
    """No answer came: the service is away, or too slow."""

    code = "unreachable"


class ServiceFailed(GanymedeError):
    """The service answered with an error of its own, or with what is none of its answers."""

    code = "service-failed"


_BY_CODE: Mapping[str, type[GanymedeError]] = {
    "model-not-found": ModelNotFound,
    "deadline-exceeded": DeadlineExceeded,
    "malformed": MalformedRequest,
    "no-projection": NoProjection,
}
_BY_STATUS: Mapping[int, type[GanymedeError]] = {
    400: MalformedRequest,
    401: KeyRefused,
    403: KeyRefused,
    404: NotFound,
    406: NotAcceptable,
    413: BodyTooLarge,
    429: TooManyRequests,
    503: Unavailable,
    504: DeadlineExceeded,
}


def read_problem(status: int, document: Mapping[str, Any], retry_after_s: int | None) -> GanymedeError:
    """The error that a problem document (RFC 9457) tells of; its `code` is the document's."""
    detail = str(document.get("detail") or f"The service answered {status}.")
    code, field = document.get("code"), document.get("field")
    error: GanymedeError
    if status == 422 and isinstance(field, str):
        error = InvalidField(field, detail.removeprefix(f"{field}: "))
    elif code == UnsupportedPicture.code and isinstance(field, str):
        error = UnsupportedPicture(field, detail.removeprefix(f"{field}: "))
    else:
        error = _BY_CODE.get(str(code), _BY_STATUS.get(status, ServiceFailed))(detail)
    if isinstance(code, str):
        error.code = code
    error.retry_after_s = retry_after_s
    return error
