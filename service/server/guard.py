"""Where uvicorn is told which protocol to speak with its connections."""

from functools import partial
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.endpoints.context import Context
from service.server.connections import Connections
from service.server.guarded_protocol import GuardedProtocol


def guard(configuration: uvicorn.Config, context: Context, connections: Connections) -> None:
    """Let the server of `configuration` bound its `connections`."""
    protocol = partial(GuardedProtocol, context=context, connections=connections)
    configuration.http = cast("type[HttpToolsProtocol]", protocol)
