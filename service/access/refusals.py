"""Requests that are refused for their key: counted, and neither logged nor tried without end."""

import ipaddress
import logging
from collections.abc import Callable

from starlette.types import Scope

from foundation.errors import GanymedeError
from service.access.windows import Windows
from service.http.addresses import path_of

LINES = 60
"""In the log in a window."""
WINDOW_S = 60
MAX_ADDRESSES = 10_000

log = logging.getLogger(__name__)


class TooManyWrongKeys(GanymedeError):
    """This address sent more wrong API keys than it may."""

    status = 429
    code = "too-many-wrong-keys"
    title = "Too many wrong keys"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refusals:
    """The refused requests of a service, in a table that does not grow.

    A right key is let in whatever others behind its address do. So nothing here makes a weak key safe: it
    spares the log and the client that tries a key of last year in a loop.
    """

    def __init__(self, *, wrong_keys: int = 30, count: Callable[[str], None] = lambda _: None) -> None:
        """An address may send so many `wrong_keys` in a minute; `count` is told the code of each refusal."""
        self._wrong_keys = wrong_keys
        self._count = count
        self._wrong = Windows(max_names=MAX_ADDRESSES)
        self._lines = Windows()
        self._unsaid = 0

    def check_guess(self, scope: Scope) -> None:
        """Count a wrong key of the client of `scope`.

        Raises:
            TooManyWrongKeys: it was one too many.
        """
        address = network_of(scope)
        if self._wrong.add(address, 1, WINDOW_S) > self._wrong_keys:
            raise TooManyWrongKeys(
                f"More than {self._wrong_keys} wrong API keys came from this address. A right one is let in.",
                retry_after_s=max(1, round(self._wrong.left_s(address))),
            )

    def record(self, scope: Scope, error: GanymedeError) -> None:
        """Count a refusal, and log it unless the log has had its share of them."""
        self._count(error.code)
        if not self._lines.left_s("lines") and self._unsaid:
            log.warning("%d more refused requests were not logged", self._unsaid)
            self._unsaid = 0
        if self._lines.add("lines", 1, WINDOW_S) > LINES:
            self._unsaid += 1
            return
        log.warning("%s: refused, %s", ascii(path_of(scope)[:200])[1:-1], error.code)


def network_of(scope: Scope) -> str:
    """Where a request comes from: its IPv4 address, or the /64 of its IPv6 address (one customer's)."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "unknown"  # a socket of the file system, or what a proxy wrote
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
