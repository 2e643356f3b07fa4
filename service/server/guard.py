"""Where uvicorn is told which protocol to speak with its connections."""

from functools import partial
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.endpoints.context import Context
from service.server.connections import Connections
from service.server.intake import Intake
from service.server.paced_protocol import PacedProtocol


def guard(configuration: uvicorn.Config, context: Context, connections: Connections) -> None:
    """Let the server of `configuration` bound its `connections`, and what they send at a time."""
    protocol = partial(PacedProtocol, context=context, connections=connections, intake=Intake())
    configuration.http = cast("type[HttpToolsProtocol]", protocol)
