"""Making the shards of an order: what is there and whole is passed over, the rest is drawn and put there."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson

from foundation.errors import ReleaseRefused
from foundation.images import Images
from ganymede.bulk.archives import Archive, NpzArchive, TarArchive
from ganymede.bulk.order import Order, Shard, compare, write_document
from ganymede.bulk.targets import Target, explain_writing
from service.encoding.pictures import encode_image, enlarge
from service.engine.cores import usable_cores
from service.releases.opening import Release
from service.requests.recipes import describe_provenance
from service.requests.request_inputs import draw_inputs
from service.requests.schemas import GenerateRequest

ORDER_FILE, MANIFEST_FILE = "order.json", "manifest.json"
_BATCH_IMAGES = 64
_BATCH_PIXELS = 2**25
_PENDING = 2
"""Batches whose PNGs are being written while the next is drawn."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a shard."""

    shard: Shard
    size_bytes: int
    found: bool
    """Whether it was there, whole."""


class Work:
    """One process's part of an order, by one release, at one place."""

    def __init__(self, release: Release, request: GenerateRequest, order: Order, target: Target) -> None:
        """`request` has the label, the truncation and the scale of every picture.

        Raises:
            WrongOrder: shards of another order lie there.
            InvalidField: the model takes no such label.
        """
        self._release = release
        self._request = request
        self._order = order
        self._target = target
        draw_inputs(release.manifest, request, (0,))  # what is wrong with the label is told before anything
        described = order.describe(release.manifest)
        compare(
            target.write_first(ORDER_FILE, write_document(described)), _as_json(described), target.location
        )
        self._described = described

    def run(self, index: int, processes: int, drawn: Callable[[int], None]) -> Iterator[Made]:
        """Make the shards of process `index` of so many; `drawn` is told of pictures as they come.

        Raises:
            StoreError: the place refuses something.
            ReleaseRefused: the graph cannot be run.
        """
        names = self._target.names()
        with (
            ThreadPoolExecutor(usable_cores(), thread_name_prefix="png") as pool,
            self._target.drafts() as folder,
        ):
            for shard in self._order.shards(index, processes):
                count = shard.stop - shard.start
                if shard.record in names and (size_bytes := self._check(shard)) is not None:
                    drawn(count)
                    yield Made(shard, size_bytes, found=True)
                    continue
                draft = folder / shard.name
                with explain_writing(self._target.location):
                    self._write(shard, draft, pool, drawn)
                    with draft.open("rb") as file:
                        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                    size_bytes = draft.stat().st_size
                self._target.put(draft, shard.name)
                draft.unlink(missing_ok=True)
                self._target.write(shard.record, write_document(self._record(shard, size_bytes, sha256)))
                yield Made(shard, size_bytes, found=False)

    def gather(self) -> bool:
        """Write the manifest once every shard has its record; whether that is so.

        Each process does this at its end, and the last one finds them all: whoever writes, writes the same.
        """
        names, shards = self._target.names(), list(self._order.shards())
        if not all(shard.record in names and shard.name in names for shard in shards):
            return False
        records = [orjson.loads(self._target.read(shard.record) or b"null") for shard in shards]
        self._target.write(MANIFEST_FILE, write_document({**self._described, "files": records}))
        return True

    def _record(self, shard: Shard, size_bytes: int, sha256: str) -> dict[str, object]:
        return {
            "file": shard.name,
            "seeds": self._order.seeds.name(shard.start, shard.stop),
            "images": shard.stop - shard.start,
            "model": self._release.manifest.reference,
            "size_bytes": size_bytes,
            "sha256": sha256,
        }

    def _check(self, shard: Shard) -> int | None:
        """The size in bytes of a shard that lies there as its record says; None if it does not."""
        try:
            record = orjson.loads(self._target.read(shard.record) or b"null")
            size_bytes, sha256 = int(record["size_bytes"]), str(record["sha256"])
        except (ValueError, TypeError, KeyError):
            return None
        if record != self._record(shard, size_bytes, sha256):
            return None
        return size_bytes if self._target.holds(shard.name, size_bytes, sha256) else None

    def _write(
        self, shard: Shard, path: Path, pool: ThreadPoolExecutor, drawn: Callable[[int], None]
    ) -> None:
        archive = self._open(shard, path)
        pending: deque[tuple[Sequence[int], Images, Sequence[int] | None, list[Future[bytes]]]] = deque()

        def write_next() -> None:
            seeds, images, labels, pngs = pending.popleft()
            archive.add(seeds, images, [png.result() for png in pngs], labels)
            drawn(len(seeds))

        for seeds in self._batches(shard):
            pending.append((seeds, *self._draw(seeds, pool)))
            if len(pending) > _PENDING:
                write_next()
        while pending:
            write_next()
        archive.finish()

    def _open(self, shard: Shard, path: Path) -> Archive:
        manifest, scale = self._release.manifest, self._request.scale
        if self._order.format == "tar":
            return TarArchive(path, manifest.label.classes if manifest.label else None)
        image = manifest.image
        count = shard.stop - shard.start
        return NpzArchive(path, (count, image.height * scale, image.width * scale, image.channels))

    def _batches(self, shard: Shard) -> Iterator[tuple[int, ...]]:
        image, scale = self._release.manifest.image, self._request.scale
        pixels = image.height * image.width * image.channels * scale**2
        size = max(1, min(_BATCH_IMAGES, _BATCH_PIXELS // pixels))
        seeds = self._order.seeds.between(shard.start, shard.stop)
        while batch := tuple(islice(seeds, size)):
            yield batch

    def _draw(
        self, seeds: tuple[int, ...], pool: ThreadPoolExecutor
    ) -> tuple[Images, Sequence[int] | None, list[Future[bytes]]]:
        """The pictures uint8 (n, h, w, c) of `seeds`, their classes, and their PNGs where wanted."""
        release, request = self._release, self._request
        inputs = draw_inputs(release.manifest, request, seeds)
        try:
            drawn = release.generator.generate(inputs.latents, inputs.labels)
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            reference = release.manifest.reference
            raise ReleaseRefused(f"{reference} cannot draw these seeds: {str(error)[:300]}") from error
        images = enlarge(drawn, request.scale)
        labels = None if inputs.labels is None else [int(row.argmax()) for row in inputs.labels]
        if self._order.format != "tar":
            return images, labels, []
        origin = describe_provenance(release.manifest, request, seeds, inputs.labels)
        pngs = [
            pool.submit(encode_image, image, "png", origin.of_image(index))
            for index, image in enumerate(images)
        ]
        return images, labels, pngs


def _as_json(document: dict[str, object]) -> dict[str, object]:
    """`document` as it is when it was written and read."""
    found: dict[str, object] = orjson.loads(orjson.dumps(document))
    return found
