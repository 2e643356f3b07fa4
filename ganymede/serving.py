"""`ganymede serve`."""

from typing import Annotated

import typer


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(serve)


def serve(
    models: Annotated[str | None, typer.Option(help="A folder or s3://bucket/prefix.")] = None,
    default_model: Annotated[str | None, typer.Option(help="What a request without a model means.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or tensorrt.")] = None,
    precision: Annotated[str | None, typer.Option(help="exact, or fast where a GPU has it.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    max_batch_images: Annotated[int | None, typer.Option(help="Images in one run of the graph.")] = None,
    max_queue_images: Annotated[int | None, typer.Option(help="Images that may wait.")] = None,
    max_images_per_request: Annotated[int | None, typer.Option(help="Images of one request.")] = None,
    max_pixels_per_response: Annotated[int | None, typer.Option(help="Pixels of one response.")] = None,
    request_timeout_s: Annotated[float | None, typer.Option(help="Seconds until a 504.")] = None,
    drain_timeout_s: Annotated[float | None, typer.Option(help="Seconds to finish in after SIGTERM.")] = None,
    rate_images_per_s: Annotated[float | None, typer.Option(help="Images a second of an API key.")] = None,
    reload_interval_s: Annotated[float | None, typer.Option(help="Between looks at the store.")] = None,
    max_resident_models: Annotated[int | None, typer.Option(help="Releases in memory.")] = None,
    max_graph_bytes: Annotated[int | None, typer.Option(help="Of one model's graph.")] = None,
    store_timeout_s: Annotated[float | None, typer.Option(help="Of one attempt at S3.")] = None,
    cache: Annotated[str | None, typer.Option(help="The folder for what comes from S3.")] = None,
    cache_max_bytes: Annotated[int | None, typer.Option(help="Of the cache.")] = None,
    log_format: Annotated[str | None, typer.Option(help="json or text.")] = None,
    ui: Annotated[str | None, typer.Option(help="on or off: the web page at /ui.")] = None,
    root_path: Annotated[str | None, typer.Option(help="The prefix that a proxy takes away.")] = None,
) -> None:
    """Serve the models of a store over HTTP. Each option also has a variable, GANYMEDE_NAME."""
    import gc

    import uvicorn

    from service.app import create_app
    from service.draining import DrainingServer
    from service.early_refusal import refuse_early
    from service.settings import Settings
    from service.telemetry import configure_logs

    flags = dict(locals())
    settings = Settings.load(**{name: flags[name] for name in Settings.model_fields if name in flags})
    configure_logs(settings.log_format)
    address = f"http://{settings.host}:{settings.port}"
    typer.echo(f"Ganymede on {address} ({address}/docs). Try:\n  curl -X POST {address}/generate -o grid.png")
    app = create_app(settings)
    configuration = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        root_path=settings.root_path,
        timeout_graceful_shutdown=round(settings.drain_timeout_s),
    )
    refuse_early(configuration, app.state.context, paths=app.state.hot_paths)
    gc.collect()
    gc.freeze()  # what is imported stays: the collector need not look at it again and again
    DrainingServer(configuration, app.state.context).run()
