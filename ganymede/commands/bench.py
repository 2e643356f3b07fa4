"""`ganymede bench URL`: how many images a second a running service answers, and how fast."""

from typing import Annotated

import typer


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the command line."""
    app.command()(bench)


def bench(
    url: Annotated[str, typer.Argument(help="Of a running service, such as http://127.0.0.1:8000.")],
    images: Annotated[int, typer.Option(min=1, help="Of each request.")] = 16,
    connections: Annotated[int, typer.Option(min=1, max=10_000, help="That ask at the same time.")] = 16,
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="How long.")] = 5,
    model: Annotated[str, typer.Option(help="MODEL, MODEL@ALIAS or MODEL@VERSION.")] = "",
    key: Annotated[
        str | None, typer.Option(envvar="GANYMEDE_API_KEY", help="An API key, where it wants one.")
    ] = None,
) -> None:
    """Load a running service with requests for new seeds, and print images a second and latencies."""
    from rich.console import Console

    from ganymede.load import LoadFailed, apply_load

    with Console(stderr=True).status(f"{connections} connections ask {url} for {seconds} s…"):
        found = apply_load(url, images=images, connections=connections, seconds=seconds, model=model, key=key)
    if found.failed == found.requests:
        raise LoadFailed(
            f"{url} answered none of {found.requests} requests with pictures; is it the service?"
        )
    typer.echo(
        f"{found.images_per_s:,.0f} images/s ({images} a request, {connections} connections): "
        f"p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms, {found.requests:,} requests, "
        f"{found.failed:,} failed"
    )
