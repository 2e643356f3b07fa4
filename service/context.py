"""What the routes share: one object, made when the service starts."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from service.engine import Engine
from service.errors import GanymedeError
from service.metrics import Metrics
from service.rates import Rates
from service.releases import Release, Releases
from service.settings import Settings


@dataclass(slots=True)
class Readiness:
    """Whether the default model can generate: its release, or what went wrong; neither while it loads."""

    release: Release | None = None
    error: GanymedeError | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The settings, the models and the engine of a running service."""

    settings: Settings
    releases: Releases
    engine: Engine
    rates: Rates
    metrics: Metrics
    readiness: Readiness = field(default_factory=Readiness)


def context_of(request: Request) -> Context:
    """The context of the app that serves `request`."""
    context: Context = request.app.state.context
    return context


Service = Annotated[Context, Depends(context_of)]
