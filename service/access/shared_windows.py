"""Counts in windows of time that several processes may share: in Redis, or what speaks like it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from service.access.windows import Windows
from service.settings import WrongSetting

if TYPE_CHECKING:  # they take 6 MB: only who has a store loads them
    from limits.aio.storage import RedisStorage
    from redis.asyncio import ConnectionPool

_SCHEMES = ("redis", "rediss", "valkey", "valkeys")
_CONNECTIONS = 32
_TIMEOUT_S = 0.25
"""Of one question; on one network an answer takes a thousandth of it."""
_PAUSE_S = 5.0
"""Between looks at a store that did not answer."""

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class SharedWindows:
    """The same as `Windows`, in a store; without one, and while it does not answer, this process's own hold.

    Its own go on beside, so that a store that is gone gives nobody once more what this process let them have.
    With n processes a key may have up to n times its limit as long as that lasts: a store that fails neither
    opens the service to all nor closes it.
    """

    def __init__(
        self, url: SecretStr | None = None, *, timeout_s: float = _TIMEOUT_S, pause_s: float = _PAUSE_S
    ) -> None:
        """`url` is `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS.

        Raises:
            WrongSetting: it is none; it is not repeated, for it may hold a password.
        """
        self._own = Windows()
        self._pool = None if url is None else _connect(url.get_secret_value().strip(), timeout_s)
        self._storage = None if self._pool is None else _open_storage(self._pool)
        self.location = "" if url is None else _locate(url.get_secret_value().strip())
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        self._again_at = 0.0
        self.reachable = True

    async def add(self, name: str, amount: int, window_s: int) -> int:
        """Count `amount` for `name`; what its window holds now. The first count opens one of `window_s`."""
        own = self._own.add(name, amount, window_s)
        shared = await self._ask(lambda storage: storage.incr(name, window_s, amount))
        return own if shared is None else shared

    async def give_back(self, name: str, amount: int, window_s: int) -> None:
        """Uncount `amount`. Where the window ended this moment, the next one holds so much more."""
        self._own.give_back(name, amount)
        await self._ask(lambda storage: storage.incr(name, window_s, -amount))

    async def left_s(self, name: str) -> float:
        """The seconds until the window of `name` is over; 0 where none is open."""
        ends = await self._ask(lambda storage: storage.get_expiry(name))
        return self._own.left_s(name) if ends is None else max(0.0, ends - time.time())  # limits adds it

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()

    @property
    def shared(self) -> bool:
        """Whether there is a store."""
        return self._storage is not None

    async def _ask(self, ask: Callable[["RedisStorage"], Awaitable[Answer]]) -> Answer | None:
        """The store's answer, or None without one; who waits for it holds up nobody else."""
        if self._storage is None or time.monotonic() < self._again_at:
            return None
        async with self._turns:  # the time limit is of the store, not of those who ask before
            return await self._ask_now(self._storage, ask)

    async def _ask_now(
        self, storage: "RedisStorage", ask: Callable[["RedisStorage"], Awaitable[Answer]]
    ) -> Answer | None:
        now = time.monotonic()
        if now < self._again_at:
            return None
        if not self.reachable:
            self._again_at = now + self._pause_s  # this request looks; the others go on without
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask(storage)
            _require_number(answer)
        except Exception as error:  # what is no Redis, or holds what others wrote, fails in any way
            self._again_at = time.monotonic() + self._pause_s
            if self.reachable:
                kind = type(error).__name__  # its text may hold more than a log should
                log.warning(
                    "%s: the rates' store does not answer (%s): each process counts for itself",
                    self.location,
                    kind,
                )
            self.reachable = False
            return None
        if not self.reachable:
            log.warning("%s: the rates' store answers again", self.location)
        self.reachable, self._again_at = True, 0.0
        return answer


def _locate(url: str) -> str:
    """Where the store is, without what opens it."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def _connect(url: str, timeout_s: float) -> "ConnectionPool":
    from redis.asyncio import ConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    try:
        parts = urlsplit(url)
        if parts.scheme in _SCHEMES and parts.hostname and parts.port != 0:
            return ConnectionPool.from_url(
                url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,
                max_connections=_CONNECTIONS,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 1),  # a connection that the store had closed meanwhile
            )
    except (ValueError, TypeError):
        pass
    raise WrongSetting(
        "GANYMEDE_RATES_STORE is not redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] "
        "(rediss:// for TLS; valkey:// and valkeys:// mean the same)."
    ) from None


def _require_number(answer: object) -> None:
    if type(answer) not in (int, float):
        raise TypeError(f"a {type(answer).__name__} is no count")


def _open_storage(pool: "ConnectionPool") -> "RedisStorage":
    from limits.aio.storage import RedisStorage

    return RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix="ganymede",
        connection_pool=pool,  # type: ignore[arg-type] # limits documents it, its types do not
    )
