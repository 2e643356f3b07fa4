"""The one way from inputs to images: everything that generates goes through `Engine.generate`."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from service.errors import DeadlineExceeded, QueueFull
from service.generator import Generator, Images
from service.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Generated:
    """Images uint8 (n, h, w, c), and the seconds they waited and took."""

    images: Images
    queue_s: float
    inference_s: float


class Engine:
    """Runs one batch at a time, in the order of arrival, off the event loop."""

    def __init__(self, *, max_batch_images: int, max_queue_images: int, timeout_s: float) -> None:
        self._max_batch_images = max_batch_images
        self._max_queue_images = max_queue_images
        self._timeout_s = timeout_s
        self._waiting_images = 0
        self._turn = asyncio.Lock()
        self._device = ThreadPoolExecutor(1, thread_name_prefix="inference")

    async def generate(self, generator: Generator, inputs: Inputs) -> Generated:
        """The images of `inputs`, in their order.

        Raises:
            QueueFull: more images are waiting than the queue may hold; nothing was queued.
            DeadlineExceeded: the time limit passed first.
        """
        count = len(inputs.latents)
        if self._waiting_images and self._waiting_images + count > self._max_queue_images:
            raise QueueFull(
                f"{self._waiting_images} images are waiting and the queue holds {self._max_queue_images}."
            )
        self._waiting_images += count
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._take_turn(generator, inputs)
        except TimeoutError:
            raise DeadlineExceeded(f"The images were not ready within {self._timeout_s:g} s.") from None
        finally:
            self._waiting_images -= count

    def close(self) -> None:
        """Let the batch that runs finish, and stop."""
        self._device.shutdown()

    async def _take_turn(self, generator: Generator, inputs: Inputs) -> Generated:
        arrived = time.perf_counter()
        async with self._turn:
            started = time.perf_counter()
            loop = asyncio.get_running_loop()
            parts = [
                await loop.run_in_executor(
                    self._device, _run, generator, inputs, start, self._max_batch_images
                )
                for start in range(0, len(inputs.latents), self._max_batch_images)
            ]
        return Generated(
            images=parts[0] if len(parts) == 1 else np.concatenate(parts),
            queue_s=started - arrived,
            inference_s=time.perf_counter() - started,
        )


def _run(generator: Generator, inputs: Inputs, start: int, count: int) -> Images:
    rows = slice(start, start + count)
    return generator.generate(inputs.latents[rows], None if inputs.labels is None else inputs.labels[rows])
