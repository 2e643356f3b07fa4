"""The origin of a page, as browsers send it (RFC 6454, section 6.2)."""

import re

from pydantic_core import PydanticCustomError

_ANY = "*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@,*]+")
_USUAL_PORTS = {"http": ":80", "https": ":443"}


def read_origin(text: str) -> str:
    """What a person writes for an origin, as browsers send it: small letters, and no port that is usual.

    Raises:
        PydanticCustomError: it is neither one nor `*`, which is any; its words are for a person.
    """
    origin = text.strip().lower()
    if origin == _ANY:
        return origin
    if not _ORIGIN.fullmatch(origin):
        raise PydanticCustomError(
            "origin",
            "{text} is no origin; write https://HOST or https://HOST:PORT with nothing behind it, or *",
            {"text": repr(text.strip())},
        )
    return origin.removesuffix(_USUAL_PORTS.get(origin.partition("://")[0], " "))
