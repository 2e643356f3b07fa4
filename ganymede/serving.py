"""`ganymede serve`."""

from typing import Annotated

import typer


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(serve)


def serve(
    models: Annotated[
        str | None, typer.Option(help="A folder or s3://bucket/prefix.", show_default="models")
    ] = None,
    default_model: Annotated[
        str | None, typer.Option(help="What a request without a model means; the oldest by default.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or tensorrt.", show_default="auto")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="exact, or fast where a GPU has it.", show_default="exact")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.", show_default="8000")] = None,
    max_batch_images: Annotated[
        int | None, typer.Option(help="Images in one run of the graph.", show_default="32")
    ] = None,
    max_queue_images: Annotated[
        int | None, typer.Option(help="Images that may wait.", show_default="4096")
    ] = None,
    max_images_per_request: Annotated[
        int | None, typer.Option(help="Images of one request.", show_default="1024")
    ] = None,
    max_pixels_per_response: Annotated[
        int | None, typer.Option(help="Pixels of one response.", show_default="33554432")
    ] = None,
    max_connections: Annotated[
        int | None, typer.Option(help="At once; by default what the limit of open files leaves room for.")
    ] = None,
    head_timeout_s: Annotated[
        float | None, typer.Option(help="Seconds for a request's head to come.", show_default="20")
    ] = None,
    body_timeout_s: Annotated[
        float | None, typer.Option(help="Seconds for a request's body to come.", show_default="60")
    ] = None,
    write_timeout_s: Annotated[
        float | None,
        typer.Option(help="Seconds without a client's reading its answer.", show_default="30"),
    ] = None,
    keep_alive_s: Annotated[
        int | None, typer.Option(help="Seconds a connection waits for its next request.", show_default="75")
    ] = None,
    max_bytes_in_flight: Annotated[
        int | None, typer.Option(help="That answers hold until they are sent.", show_default="1073741824")
    ] = None,
    request_timeout_s: Annotated[
        float | None, typer.Option(help="Seconds until a 504.", show_default="30")
    ] = None,
    drain_timeout_s: Annotated[
        float | None, typer.Option(help="Seconds to finish in after SIGTERM.", show_default="25")
    ] = None,
    rate_images_per_s: Annotated[
        float | None, typer.Option(help="Images a second of an API key; any number by default.")
    ] = None,
    quota_images_per_day: Annotated[
        int | None, typer.Option(help="Images a day of an API key; any number by default.")
    ] = None,
    reload_interval_s: Annotated[
        float | None, typer.Option(help="Between looks at the store.", show_default="10")
    ] = None,
    max_resident_models: Annotated[
        int | None, typer.Option(help="Releases in memory.", show_default="4")
    ] = None,
    max_graph_bytes: Annotated[
        int | None, typer.Option(help="Of one model's graph.", show_default="1073741824")
    ] = None,
    store_timeout_s: Annotated[
        float | None, typer.Option(help="Of one attempt at S3.", show_default="10")
    ] = None,
    store_call_timeout_s: Annotated[
        float | None, typer.Option(help="Of a whole question to the store.", show_default="30")
    ] = None,
    load_timeout_s: Annotated[
        float | None, typer.Option(help="To open and check a release.", show_default="300")
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option(help="The folder for what comes from S3; in the user's own cache by default."),
    ] = None,
    cache_max_bytes: Annotated[
        int | None, typer.Option(help="Of the cache.", show_default="10737418240")
    ] = None,
    trusted_keys: Annotated[
        str | None, typer.Option(help="Files of public keys: only what they signed is opened.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="json or text.", show_default="text")] = None,
    ui: Annotated[str | None, typer.Option(help="on or off: the web page at /ui.", show_default="on")] = None,
    root_path: Annotated[str | None, typer.Option(help="The prefix that a proxy takes away.")] = None,
) -> None:
    """Serve the models of a store over HTTP. Each option also has a variable, GANYMEDE_NAME."""
    import gc
    import logging
    import os

    import uvicorn

    from service.application import create_app
    from service.http.telemetry import configure_logs
    from service.server.connections import Connections
    from service.server.draining import DrainingServer
    from service.server.ending import end_now
    from service.server.guard import guard
    from service.server.memory import return_large_blocks
    from service.server.wire_limits import WireLimits, raise_descriptors
    from service.settings import Settings, explain_unknown

    flags = dict(locals())
    return_large_blocks()
    settings = Settings.load(**{name: flags[name] for name in Settings.model_fields if name in flags})
    configure_logs(settings.log_format)
    for sentence in explain_unknown(os.environ):
        logging.getLogger(__name__).warning(sentence)
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
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=round(settings.drain_timeout_s),
    )
    limits = WireLimits.of(settings, descriptors=raise_descriptors())
    guard(configuration, app.state.context, Connections(limits))
    gc.collect()
    gc.freeze()  # what is imported stays: the collector need not look at it again and again
    server = DrainingServer(configuration, app.state.context, started=greet)
    try:
        server.run()
    except KeyboardInterrupt:
        end_now(130)
    if server.started:
        end_now(0)


def greet(address: str) -> None:
    """Say where the service is, and how to ask it for pictures."""
    typer.echo(f"Ganymede on {address} ({address}/docs). Try:\n  curl -X POST {address}/generate -o grid.png")
