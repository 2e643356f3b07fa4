"""Addresses that carry their own leave: a picture's path and query, an end, and an HMAC over all of it."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, quote, urlencode

from foundation.errors import GanymedeError
from service.settings import Settings, WrongSetting

SIGNED_PATHS = "/images/"
"""Addresses below this one may be signed: each is one picture."""

MAX_LIFETIME_S = 366 * 86_400
"""Of a signature: a page that stands for longer is signed anew."""

MIN_KEY_CHARACTERS = 32
EXPIRES, SIGNATURE = "expires", "signature"
_MAX_FIELDS = 16
_DOMAIN = b"ganymede-url-1\n"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)

Pairs = Sequence[tuple[str, str]]
"""Fields of a query, decoded."""


class SignatureWrong(GanymedeError):
    """The address's signature is not this service's, or not of this address."""

    code = "signature-wrong"


class SignatureExpired(GanymedeError):
    """The address's signature was right, and its time is over."""

    code = "signature-expired"


def read_signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys of `GANYMEDE_URL_SIGNING_KEYS`, commas between them: the first signs, all are taken.

    Raises:
        WrongSetting: one is short enough to be guessed.
    """
    text = settings.url_signing_keys.get_secret_value() if settings.url_signing_keys else ""
    keys = tuple(filter(None, (part.strip() for part in text.split(","))))
    if any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        raise WrongSetting(
            f"GANYMEDE_URL_SIGNING_KEYS: a key has {MIN_KEY_CHARACTERS} characters at least; "
            "`openssl rand -hex 32` makes one."
        )
    return tuple(key.encode() for key in keys)


def sign_address(path: str, query: Pairs, *, expires: int, key: bytes) -> str:
    """`path` (decoded) with `query`, `expires` (seconds since 1970) and the signature, ready for a link."""
    pairs = [*query, (EXPIRES, str(expires))]
    return f"{quote(path, safe='/@:')}?{urlencode([*pairs, (SIGNATURE, _sign(path, pairs, key))])}"


def check_address(path: str, query: bytes, *, keys: Iterable[bytes], now: float) -> tuple[Pairs, int]:
    """The fields that were signed, without the two that say so, and when the signature ends.

    `path` is decoded, `query` as it came. Every key is tried, in constant time (`hmac.compare_digest`).

    Raises:
        SignatureWrong: it is none of `keys`' for this path and query, or ends too far from `now`.
        SignatureExpired: it is one, and ended before `now`.
    """
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise SignatureWrong("The address has too many fields for a signed one.") from None
    given = [value for name, value in pairs if name == SIGNATURE]
    ends = [value for name, value in pairs if name == EXPIRES]
    rest = [(name, value) for name, value in pairs if name != SIGNATURE]
    right = [hmac.compare_digest(_sign(path, rest, key).encode(), given[0].encode()) for key in keys]
    if len(given) != 1 or len(ends) != 1 or not _SECONDS.fullmatch(ends[0]) or not any(right):
        raise SignatureWrong(
            "The signature is not of this address as it stands: it was changed, or signed with another key."
        )
    expires = int(ends[0])
    if expires <= now:
        raise SignatureExpired("The time of this address is over; the page has to be signed anew.")
    if expires > now + MAX_LIFETIME_S:
        raise SignatureWrong(f"A signature lasts for {MAX_LIFETIME_S // 86_400} days at most.")
    return [(name, value) for name, value in rest if name != EXPIRES], expires


def _sign(path: str, pairs: Pairs, key: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) in base64url: of names and values, however they are escaped or ordered."""
    text = f"{path}\n{urlencode(sorted(pairs))}".encode("utf-8", "surrogateescape")
    digest = hmac.new(key, _DOMAIN + text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
