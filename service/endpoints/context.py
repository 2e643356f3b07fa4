"""What the routes share: one object, made when the service starts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from foundation.errors import Unavailable
from service.access.rates import Rates
from service.endpoints.kept_walks import KeptWalks
from service.endpoints.shadowing import Shadowing
from service.engine.budget import Budget, Holding
from service.engine.engine import Engine
from service.engine.threads import Threads
from service.http.reading import Bodies
from service.http.requesters import current_key, current_requester
from service.http.under_way import UnderWay
from service.metrics import Metrics
from service.releases.lookup import Releases
from service.releases.reloading import Reloading
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The settings, the models and the engine of a running service."""

    settings: Settings
    releases: Releases
    engine: Engine
    budget: Budget
    rates: Rates
    metrics: Metrics
    reloading: Reloading
    bodies: Bodies
    photos: Threads
    """For looking at pictures that were sent."""
    shadowing: Shadowing
    walks: KeptWalks
    under_way: UnderWay

    def check_room(self) -> None:
        """Refuse a key's request for pictures before its body is read, if there is no room for even one.

        `Threshold` has asked for the client's address, which is the requester where there is no key.

        Raises:
            Unavailable: the engine drains.
            QueueFull: the queue has no room for it.
        """
        if current_key() is not None:
            self.engine.check_room(1, current_requester())

    async def accept(self, count: int, size: int, *, waiting: int | None = None) -> Holding:
        """Refuse `count` images before anything is done for them, or count them for the request's key.

        `size` bytes are what their answer holds; they are counted until the `Holding` is released. Where
        `waiting` is given, no more of them are in the queue at once.

        Raises:
            Unavailable: the engine drains.
            QueueFull: the queue has no room for them.
            BytesFull: there is no room for their bytes.
            RateExceeded: the key may not have so many now.
        """
        requester, waiting = current_requester(), count if waiting is None else waiting
        self.engine.check_room(waiting, requester)
        if current_key() is None:  # nothing to count, so nothing can change meanwhile
            return self.budget.hold(size, requester)
        self.budget.check(size, requester)
        await self.rates.take(count)
        try:
            self.engine.check_room(waiting, requester)  # a shared store of rates takes its time
            return self.budget.hold(size, requester)
        except Unavailable:
            await self.rates.give_back(count)
            raise


def context_of(http_request: Request) -> Context:
    """The context of the app that serves `http_request`."""
    context: Context = http_request.app.state.context
    return context


AppContext = Annotated[Context, Depends(context_of)]
