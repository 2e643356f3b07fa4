"""Which format a client gets: the one it names, else the best that its `Accept` header allows."""

from collections.abc import Mapping

import mimeparse
from starlette.responses import Response

from foundation.errors import NotAcceptable

OCTETS = "application/octet-stream"
"""What programs ask for that know no media type of pictures: bytes, whatever they are."""

_MAX_ACCEPT = 4096
"""Characters; a browser's has a hundred, and reading it takes the square of some."""


def choose_format(named: str | None, accept: str | None, media_types: Mapping[str, str]) -> str:
    """One of the formats of `media_types` (format to media type, the default first).

    A named format goes before the header; where the header likes several equally, the first wins.

    Raises:
        NotAcceptable: the header allows none of them, or cannot be read.
    """
    if named is not None:
        return named
    if accept is None or accept == "*/*":
        return next(iter(media_types))
    if len(accept) > _MAX_ACCEPT:
        raise NotAcceptable(f"Accept has {len(accept):,} characters; at most {_MAX_ACCEPT:,} are read.")
    offered = {OCTETS: next(iter(media_types))}
    offered |= {media: name for name, media in reversed(list(media_types.items()))}
    try:
        best = str(mimeparse.best_match(list(offered), accept.lower()))  # of equals it takes the last
    except mimeparse.MimeTypeParseException:
        best = ""
    if not best:
        raise NotAcceptable(
            f"Accept: {accept[:200]} allows none of {', '.join(media_types.values())}; "
            "name one, or a format in the body."
        )
    return offered[best]


def label_octets(response: Response, accept: str | None) -> Response:
    """`response`, called plain bytes where that is the first type that the header names.

    Caches are told that the name depends on the header; the bytes do not.
    """
    first = (accept or "").partition(",")[0].partition(";")[0].strip()
    if response.status_code == 200 and first.lower() == OCTETS:
        response.headers["Content-Type"] = OCTETS
        response.headers["Vary"] = "Accept"
    return response
