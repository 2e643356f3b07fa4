"""`ganymede generate --shards`: pictures by the million, by several processes if there are any."""

import sys
from typing import Annotated, Any

import typer

ShardsOption = Annotated[
    str | None,
    typer.Option(help="Where shards shall lie, a folder or s3://bucket/prefix, for pictures by the million."),
]
FormatOption = Annotated[str, typer.Option(help="tar (WebDataset: PNG and JSON) or npz.")]
ImagesOption = Annotated[int, typer.Option(help="Pictures in a shard.")]
IndexOption = Annotated[
    int, typer.Option(envvar="AWS_BATCH_JOB_ARRAY_INDEX", help="Which of several processes this is, from 0.")
]
CountOption = Annotated[
    int, typer.Option(envvar="AWS_BATCH_JOB_ARRAY_SIZE", help="How many processes share the work.")
]


def make_shards(release: Any, request: Any, order: Any, uri: str, *, index: int, processes: int) -> None:
    """Make this process's shards of `order` at `uri`, with a bar on a terminal, elsewhere a line a shard."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from ganymede.bulk.targets import open_target
    from ganymede.bulk.work import MANIFEST_FILE, Work
    from ganymede.commands.bars import make_bar

    mine = list(order.shards(index, processes))
    target = open_target(uri)
    work = Work(release, request, order, target)
    columns = (TextColumn("Generating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    made = found = size_bytes = 0
    with make_bar(*columns, transient=True) as progress:
        task = progress.add_task("", total=sum(shard.stop - shard.start for shard in mine))
        for shard in work.run(index, processes, lambda count: progress.advance(task, count)):
            made, found = made + (not shard.found), found + shard.found
            size_bytes += shard.size_bytes
            if not sys.stderr.isatty():
                what = "was there" if shard.found else "is made"
                typer.echo(f"{shard.shard.name} {what}, {shard.size_bytes:,} bytes")
    model = release.manifest.reference
    typer.echo(f"{target.location}: {made} shards of {model} made, {found} were there, {size_bytes:,} bytes")
    if work.gather():
        typer.echo(f"{target.location}: all {order.count} shards are there; {MANIFEST_FILE} lists them")
