"""How many images each API key may ask for in a second."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from service.errors import GanymedeError
from service.security import current_key


class RateExceeded(GanymedeError):
    """This key asked for more images a second than it may."""

    status = 429
    code = "rate-exceeded"
    title = "Rate exceeded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Rates:
    """The images that each key may ask for, counted in this process."""

    def __init__(self, images_per_s: float | None, *, max_images_per_request: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._limit: RateLimitItemPerSecond | None = None
        if images_per_s is not None:
            # The largest request that is allowed at all must fit into one window.
            window_s = max(1, math.ceil(max_images_per_request / images_per_s))
            images = max(max_images_per_request, math.floor(images_per_s * window_s))
            self._limit = RateLimitItemPerSecond(images, window_s)

    def take(self, images: int) -> None:
        """Count `images` for the key of the current request; without keys nothing is counted.

        Raises:
            RateExceeded: they are more than it may have now; nothing was counted.
        """
        key = current_key()
        if self._limit is None or key is None:
            return
        if not self._limiter.test(self._limit, key, cost=images):
            reset, left = self._limiter.get_window_stats(self._limit, key)
            retry_after_s = max(1, math.ceil(reset - time.time()))
            raise RateExceeded(
                f"The key {key!r} has {left:,} images left in the next {retry_after_s} s, not {images:,}.",
                retry_after_s=retry_after_s,
            )
        self._limiter.hit(self._limit, key, cost=images)
