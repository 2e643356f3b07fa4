"""How many images each API key may ask for: in a second, and in a day."""

import contextvars
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from foundation.errors import GanymedeError
from service.access.keys import ApiKey, Bound
from service.access.shared_windows import SharedWindows
from service.http.requesters import current_key

DAY_S = 86_400

_noted: contextvars.ContextVar[list[tuple[bytes, bytes]] | None] = contextvars.ContextVar(
    "noted", default=None
)


class RateExceeded(GanymedeError):
    """This key asked for more images a second than it may."""

    code = "rate-exceeded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QuotaExceeded(RateExceeded):
    """This key asked for more images a day than it may."""

    code = "quota-exceeded"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many images in a window of so many seconds; `kind` is `rate` or `quota`."""

    kind: str
    images: int
    window_s: int
    error: type[RateExceeded]


class Rates:
    """The images that each key may ask for, counted in this process or in a store that many share."""

    def __init__(
        self,
        images_per_s: float | None,
        *,
        max_images_per_request: int,
        images_per_day: float | None = None,
        keys: Mapping[str, ApiKey] | None = None,
        windows: SharedWindows | None = None,
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        """What holds for each key that says nothing else in `keys`; `count` is told a refusal's code."""
        self.windows = windows or SharedWindows()
        self._count = count
        default = _limits(images_per_s, images_per_day, max_images_per_request)
        self._default = default
        self._limits = {
            name: _limits(
                _choose(key.rate_images_per_s, images_per_s),
                _choose(key.quota_images_per_day, images_per_day),
                max_images_per_request,
            )
            for name, key in (keys or {}).items()
        }

    async def take(self, images: int) -> None:
        """Count `images` for the key of the current request; without keys nothing is counted.

        Raises:
            RateExceeded: they are more than it may have now; nothing was counted.
        """
        key = current_key()
        if key is None:
            return
        limits = self._limits.get(key, self._default)
        lefts: list[int] = []
        for number, limit in enumerate(limits, 1):
            count = await self.windows.add(_name(limit, key), images, limit.window_s)
            if count > limit.images:
                for counted in limits[:number]:
                    await self.windows.give_back(_name(counted, key), images, counted.window_s)
                await self._refuse(limit, key, images, left=max(0, limit.images - count + images))
            lefts.append(limit.images - count)
        if limits:
            _note(limits, lefts)

    async def give_back(self, images: int) -> None:
        """Uncount what `take` counted for the current request, for it will not be done."""
        key = current_key()
        if key is None:
            return
        for limit in self._limits.get(key, self._default):
            await self.windows.give_back(_name(limit, key), images, limit.window_s)

    async def _refuse(self, limit: Limit, key: str, images: int, *, left: int) -> None:
        retry_after_s = max(1, math.ceil(await self.windows.left_s(_name(limit, key))))
        _note([limit], [left], retry_after_s)
        self._count(limit.error.code)
        raise limit.error(
            f"The key {key!r} has {left:,} images left in the next {retry_after_s:,} s, not {images:,}.",
            retry_after_s=retry_after_s,
        )


def note_limits() -> list[tuple[bytes, bytes]]:
    """The list in which the current request's `RateLimit` headers will be when it is answered.

    See draft-ietf-httpapi-ratelimit-headers-10: the policies, and what is left of each.
    """
    noted: list[tuple[bytes, bytes]] = []
    _noted.set(noted)
    return noted


def _limits(
    images_per_s: float | None, images_per_day: float | None, max_images_per_request: int
) -> tuple[Limit, ...]:
    limits: list[Limit] = []
    if images_per_s is not None:
        # The largest request that is allowed at all must fit into one window.
        window_s = max(1, math.ceil(max_images_per_request / images_per_s))
        images = max(max_images_per_request, math.floor(images_per_s * window_s))
        limits.append(Limit("rate", images, window_s, RateExceeded))
    if images_per_day is not None:
        limits.append(Limit("quota", int(images_per_day), DAY_S, QuotaExceeded))
    return tuple(limits)


def _choose(own: Bound, default: float | None) -> float | None:
    return default if own == "default" else own


def _name(limit: Limit, key: str) -> str:
    return f"{limit.kind}/{limit.window_s}/{key}"


def _note(limits: tuple[Limit, ...] | list[Limit], lefts: list[int], left_s: int | None = None) -> None:
    noted = _noted.get()
    if noted is None:
        return
    end = "" if left_s is None else f";t={left_s}"
    policies = ", ".join(
        f'"{limit.kind}";q={limit.images};qu="images";w={limit.window_s}' for limit in limits
    )
    rest = ", ".join(
        f'"{limit.kind}";r={max(0, left)}{end}' for limit, left in zip(limits, lefts, strict=True)
    )
    noted[:] = [(b"ratelimit-policy", policies.encode()), (b"ratelimit", rest.encode())]
