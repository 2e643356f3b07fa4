"""`ganymede serve`."""

import socket
from contextlib import suppress
from functools import partial
from importlib import import_module
from math import ceil
from typing import Any

import typer

from foundation.errors import GanymedeError

_SWITCH_S = 0.0005
"""A thread that computes in Python gives the event loop its turn after so long, not after Python's 5 ms."""

_ANY_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}


class PortTaken(GanymedeError):
    """Nobody can listen where the service should."""

    code = "port-taken"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line; without the extra's libraries `serve` says so."""
    try:
        from ganymede.commands.flags import make_flags
    except ModuleNotFoundError:
        app.command("serve", context_settings=_ANY_OPTIONS)(_import_all)
        return
    serve.__signature__ = make_flags()  # type: ignore[attr-defined]
    serve.__annotations__ = {}  # what Typer reads as well
    app.command()(serve)


def _import_all() -> None:
    """Serve the models of a store over HTTP."""
    import_module("service.settings")


def serve(**flags: Any) -> None:
    """Serve the models of a store over HTTP. Each option also has a variable, GANYMEDE_NAME."""
    import gc
    import logging
    import os
    import sys

    import uvicorn

    from service.application import create_app
    from service.http.telemetry import configure_logs
    from service.server.connections import Connections
    from service.server.draining import LAST_WORDS_S, DrainingServer
    from service.server.ending import end_now
    from service.server.forwarding import count_proxies
    from service.server.guard import guard
    from service.server.listeners import TAKEN_AT_ONCE
    from service.server.memory import return_large_blocks
    from service.server.wire_limits import WireLimits, raise_descriptors
    from service.settings import Settings, explain_unknown

    return_large_blocks()
    sys.setswitchinterval(_SWITCH_S)
    settings = Settings.load(**flags)
    configure_logs(settings.log_format)
    for sentence in explain_unknown(os.environ):
        logging.getLogger(__name__).warning(sentence)
    require_free(settings.host, settings.port)
    app = create_app(settings)
    configuration = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        root_path=settings.root_path,
        ws="none",
        backlog=TAKEN_AT_ONCE,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=ceil(settings.drain_timeout_s + LAST_WORDS_S),
    )
    limits = WireLimits.of(settings, descriptors=raise_descriptors())
    guard(configuration, app.state.context, Connections(limits))
    count_proxies(configuration, settings.proxy_hops)
    gc.collect()
    gc.freeze()  # what is imported stays: the collector need not look at it again and again
    greeting = partial(greet, page=settings.ui == "on")
    server = DrainingServer(configuration, app.state.context, started=greeting, ready=invite)
    try:
        server.run()
    except KeyboardInterrupt:
        end_now(130)
    if server.started:
        end_now(0)


def require_free(host: str, port: int) -> None:
    """Raise PortTaken where somebody answers there already, before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise PortTaken(
            f"Port {port} of {host} cannot be listened on ({(error.strerror or str(error)).lower()}): "
            f"--port {port + 1 if port < 65_535 else 8000} takes another."
        ) from error


def greet(address: str, *, page: bool = False) -> None:
    """Say where the service and its `page` are."""
    if page:
        _say(f"The page: {address}/ui/")
    _say(f"Ganymede on {address} ({address}/docs).")


def invite(address: str) -> None:
    """Say how to ask it for pictures, once it has any."""
    _say(f"Ready. Try:\n  curl -X POST {address}/generate -o grid.png")


def _say(sentence: str) -> None:
    """Print it; where nobody reads it any more, or the disk is full, the service goes on."""
    with suppress(OSError):
        typer.echo(sentence)
