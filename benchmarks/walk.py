"""How long a walk takes against its inference alone: `python -m benchmarks.walk --models STORE`.

Both in one process and one run, alternating, for machines are noisy: read the ratio, not the seconds. With
`--against PATH` it holds the service's walks against another tree's.
"""

import argparse
import asyncio
import secrets
import statistics
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from benchmarks.against import add_against, alternate, describe_ratios, ratios_of, start_both
from benchmarks.servers import Running
from foundation.latents import SEED_LIMIT
from foundation.store import open_store
from service.encoding.animation import MEDIA_TYPES, FrameShape, open_encoder
from service.encoding.pictures import enlarge
from service.encoding.provenance import Provenance
from service.engine.cores import usable_cores
from service.engine.devices import cpu_device
from service.engine.engine import Engine
from service.engine.walks import render_walk, split_frames
from service.releases.lookup import Release, Releases
from service.requests.inputs import Inputs
from service.requests.request_inputs import draw_inputs, walk_inputs
from service.requests.schemas import WalkRequest
from service.settings import Settings


async def time_inference(engine: Engine, release: Release, keys: Inputs, request: WalkRequest) -> float:
    """Seconds that the engine takes for the walk's frames, handed over at once."""
    inputs = walk_inputs(keys, request)
    started = time.perf_counter()
    await engine.generate(release.generator, inputs)
    return time.perf_counter() - started


async def time_walk(
    engine: Engine, release: Release, keys: Inputs, request: WalkRequest, format: str
) -> float:
    """Seconds until the walk's file is whole."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"walk.{format}"
        started = time.perf_counter()
        await render_walk(engine, release.generator, keys, request, path, format, timeout_s=600)
        return time.perf_counter() - started


def time_encoder(release: Release, keys: Inputs, request: WalkRequest, format: str) -> float:
    """Seconds that the encoder alone takes for the same frames, made beforehand."""
    inputs = walk_inputs(keys, request)
    parts = [
        release.generator.generate(
            inputs.latents[part], None if inputs.labels is None else inputs.labels[part]
        )
        for part in split_frames(request.frames)
    ]
    frames = enlarge(np.concatenate(parts), request.scale)  # (frames, height, width, channels)
    count, height, width, channels = frames.shape
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        encoder = open_encoder(
            format,
            Path(folder) / "walk",
            FrameShape(count, height, width, channels, request.fps),
            Provenance("benchmark"),
        )
        encoder.add(frames)
        encoder.finish()
        elapsed_s = time.perf_counter() - started
        encoder.close()
    return elapsed_s


async def measure(options: argparse.Namespace) -> None:
    """Print a row for each format and scale: medians of the rounds, and their ratio."""
    device = cpu_device(usable_cores())
    release = Releases(open_store(options.models), default_model=options.model, device=device).get(None)
    settings = Settings()
    engine = Engine(
        max_batch_images=settings.max_batch_images,
        max_queue_images=1_000_000,
        timeout_s=settings.request_timeout_s,
    )
    print(f"{release.manifest.reference}, {options.frames} frames, medians of {options.rounds} rounds, in s")
    print("format  scale  inference  encoder    walk  walk/inference")
    for format in options.formats:
        for scale in options.scales:
            request = WalkRequest(seeds=(1, 5, 9, 13), frames=options.frames, loop=True, scale=scale)
            keys = draw_inputs(release.manifest, request, request.seeds)
            await time_walk(engine, release, keys, request, format)
            rows = [
                (
                    await time_inference(engine, release, keys, request),
                    time_encoder(release, keys, request, format),
                    await time_walk(engine, release, keys, request, format),
                )
                for _ in range(options.rounds)
            ]
            inference, encoder, walk = (statistics.median(column) for column in zip(*rows, strict=True))
            ratio = statistics.median(row[2] / row[0] for row in rows)
            print(f"{format:6}  {scale:5}  {inference:9.3f}  {encoder:7.3f}  {walk:6.3f}  {ratio:14.2f}")
    await engine.close()


def compare_trees(options: argparse.Namespace) -> None:
    """Print how long walks take over HTTP, against another tree's service, as ratios."""
    with start_both(Path(options.models), options.model, options.against) as (ours, theirs):
        for format in options.formats:
            for scale in options.scales:
                walk = partial(ask_walk, frames=options.frames, scale=scale, format=format)
                for server in (ours, theirs):
                    walk(server)
                pairs = alternate(ours, theirs, options.rounds, walk)
                ratio = describe_ratios(ratios_of(pairs, float))
                seconds = statistics.median(mine for mine, _ in pairs)
                print(f"{format} ×{scale}: {seconds:.3f} s, {ratio} of the time of {options.against}")


def ask_walk(server: Running, *, frames: int, scale: int, format: str) -> float:
    """Seconds until a walk's last byte; it is another one each time."""
    seeds = [secrets.randbelow(SEED_LIMIT) for _ in range(4)]
    body = {"seeds": seeds, "frames": frames, "loop": True, "scale": scale, "format": format}
    started = time.perf_counter()
    httpx.post(f"{server.url}/latent-walk", json=body, timeout=600).raise_for_status()
    return time.perf_counter() - started


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="models")
    parser.add_argument("--model", default="fashion")
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--formats", nargs="+", choices=MEDIA_TYPES, default=["mp4"])
    parser.add_argument("--scales", nargs="+", type=int, default=[1, 4, 8])
    add_against(parser)
    options = parser.parse_args()
    if options.against is None:
        asyncio.run(measure(options))
    else:
        compare_trees(options)


if __name__ == "__main__":
    main()
