"""What the routes share: one object, made when the service starts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.engine import Engine
from service.errors import Unavailable
from service.metrics import Metrics
from service.rates import Rates
from service.reading import Bodies
from service.releases import Releases
from service.reloading import Reloading
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The settings, the models and the engine of a running service."""

    settings: Settings
    releases: Releases
    engine: Engine
    rates: Rates
    metrics: Metrics
    reloading: Reloading
    bodies: Bodies

    async def accept_images(self, count: int) -> None:
        """Refuse `count` images before anything is done for them, or count them for the request's key.

        Raises:
            Unavailable: the engine drains.
            QueueFull: the queue has no room for them.
            RateExceeded: the key may not have so many now.
        """
        self.engine.check_room(count)
        await self.rates.take(count)
        try:
            self.engine.check_room(count)  # a shared store of rates takes its time
        except Unavailable:
            await self.rates.give_back(count)
            raise


def context_of(request: Request) -> Context:
    """The context of the app that serves `request`."""
    context: Context = request.app.state.context
    return context


Service = Annotated[Context, Depends(context_of)]
