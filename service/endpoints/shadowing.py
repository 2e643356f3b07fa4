"""Shadows: a second version draws a sample of the seeds that a first one answers, unseen, to be compared.

What is compared is asked of both versions aside, after the answer is on its way: no answer waits for it,
none fails by it, and of a request nothing is kept but a few seeds and the truncation.
"""

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from foundation.images import Images
from service.engine.engine import Engine
from service.metrics import Metrics
from service.releases.lookup import Release, Releases
from service.requests.inputs import draw_seeds
from service.requests.schemas import GenerateRequest

log = logging.getLogger(__name__)

MAX_SEEDS = 4
"""Of one request."""
MAX_WAITING = 16
"""Requests whose seeds wait; the next are dropped."""
_REST = 9
"""How many times as long as a comparison took nothing is compared after it: it has a tenth of the time."""
_LOOK_AGAIN_S = 0.05
_TOLD_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Sample:
    answering: Release
    shadow: Release
    seeds: tuple[int, ...]
    truncation: float


@dataclass(slots=True)
class _Sums:
    """What was found since it was told last."""

    images: int = 0
    differ: int = 0
    failed: int = 0
    answering_s: float = 0.0
    shadow_s: float = 0.0


class Shadowing:
    """Compares samples one after the other in a thread of its own, while the engine has nothing to do."""

    def __init__(self, releases: Releases, engine: Engine, metrics: Metrics) -> None:
        self._releases = releases
        self._engine = engine
        self._metrics = metrics
        self._waiting: deque[_Sample] = deque()
        self._thread: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None
        self._sums: dict[tuple[str, str], _Sums] = {}
        self._told_s = 0.0

    def offer(self, answering: Release, request: GenerateRequest, seeds: tuple[int, ...] | None) -> None:
        """Take a sample of a request that was answered, if its version has a shadow and there is room.

        Requests with labels, directions or latents of their own are none of a shadow's business.
        """
        if not self._releases.canaries.shadows or seeds is None or self._engine.leaving:
            return
        if request.label is not None or request.labels is not None or request.directions:
            return
        shadow = self._find(answering)
        if shadow is None:
            return
        manifest = shadow.manifest
        if len(self._waiting) >= MAX_WAITING:
            self._metrics.shadow_dropped_total.labels(manifest.name, manifest.version).inc()
            return
        self._waiting.append(_Sample(answering, shadow, seeds[:MAX_SEEDS], request.truncation))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._compare_all())

    async def close(self) -> None:
        """Stop; what runs comes to its end by itself."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _find(self, answering: Release) -> Release | None:
        return self._releases.canaries.find_shadow(answering, self._releases.versions)

    async def _compare_all(self) -> None:
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        while self._waiting:
            if self._engine.waiting_images and self._releases.canaries.shadows:
                await asyncio.sleep(_LOOK_AGAIN_S)  # what others ask for goes first
                continue
            sample, began_s = self._waiting.popleft(), loop.time()
            if self._find(sample.answering) is not sample.shadow:
                continue
            try:
                await loop.run_in_executor(self._thread, self._compare, sample)
            except Exception:
                log.exception("a comparison with %s failed", sample.shadow.manifest.reference)
            if loop.time() - self._told_s > _TOLD_EVERY_S:
                self._told_s = loop.time()
                self._tell()
            await asyncio.sleep(_REST * (loop.time() - began_s))

    def _compare(self, sample: _Sample) -> None:
        """In the thread: draw the seeds with both versions, and count how they differ."""
        manifest, count = sample.shadow.manifest, len(sample.seeds)
        sums = self._sums.setdefault((sample.answering.manifest.reference, manifest.reference), _Sums())
        sums.images += count
        expected, answering_s = self._draw(sample.answering, sample)
        try:
            drawn, shadow_s = self._draw(sample.shadow, sample)
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            log.warning("the shadow %s failed: %s", manifest.reference, str(error)[:300])
            sums.failed += count
            self._count(sample.shadow, "failed", count)
            return
        sums.answering_s += answering_s
        sums.shadow_s += shadow_s
        differ = count_differing(expected, drawn)
        sums.differ += differ
        self._count(sample.shadow, "differs", differ)
        self._count(sample.shadow, "same", count - differ)

    def _draw(self, release: Release, sample: _Sample) -> tuple[Images, float]:
        inputs = draw_seeds(release.manifest, sample.seeds, sample.truncation)
        began = time.perf_counter()
        images = release.generator.generate(inputs.latents, inputs.labels, alone=False)
        seconds = time.perf_counter() - began
        self._metrics.shadow_seconds.labels(release.manifest.name, release.manifest.version).observe(seconds)
        return images, seconds

    def _count(self, release: Release, outcome: str, images: int) -> None:
        manifest = release.manifest
        self._metrics.shadow_images_total.labels(manifest.name, manifest.version, outcome).inc(images)

    def _tell(self) -> None:
        for (answering, shadow), sums in self._sums.items():
            log.info(
                "shadow %s of %s: of %d images %d differ and %d failed; it took %.1f ms, the other %.1f ms",
                shadow,
                answering,
                sums.images,
                sums.differ,
                sums.failed,
                1000 * sums.shadow_s,
                1000 * sums.answering_s,
            )
        self._sums.clear()


def count_differing(expected: Images, drawn: Images) -> int:
    """How many of `drawn`, uint8 (n, h, w, c), are not the `expected` ones, byte for byte."""
    if expected.shape != drawn.shape:
        return len(expected)
    return int(np.any(expected != drawn, axis=(1, 2, 3)).sum())
