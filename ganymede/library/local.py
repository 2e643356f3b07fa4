"""A store without a service: the same pictures, made in this process by ONNX Runtime on the CPU."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import numpy as np

from foundation.errors import InvalidField, ModelNotFound
from foundation.images import Images
from foundation.locked_folders import locked_folder
from foundation.pictures.development import scale_pixels
from ganymede.bulk.making import Shards, make_shards
from ganymede.bulk.order import Order, ShardFormat
from ganymede.bulk.seeds import Seeds
from ganymede.library.answers import Model, Pictures, Walk
from ganymede.library.orders import (
    PictureFields,
    PictureOrder,
    ProjectionFields,
    WalkFields,
    write_body,
    write_walk,
)
from ganymede.library.projecting import Picture, ProjectionOrder, Projections
from ganymede.library.sharding import describe_pictures
from ganymede.opening import open_models
from service.encoding.animation import MEDIA_TYPES, check_fps
from service.encoding.pictures import enlarge
from service.engine.cores import usable_cores
from service.engine.devices import cpu_device
from service.engine.projections import list_decimals, project_here
from service.engine.walks import open_walk_encoder, split_frames
from service.http.bodies import parse_body
from service.releases.lookup import Releases
from service.releases.opening import Release
from service.requests.directions import read_directions, steer
from service.requests.inputs import Inputs
from service.requests.photos import measure_photos, read_photos
from service.requests.projection import ProjectRequest
from service.requests.request_inputs import draw_inputs, walk_inputs, weigh_labels
from service.requests.schemas import GenerateRequest, WalkRequest

_BATCH_IMAGES = 64
MOST_PIXELS = 2**26
"""Of a picture that is projected."""


class Local:
    """What `ganymede.open` returns. It may be used by several threads; releases stay open until `close`."""

    def __init__(self, models: str | Path, *, trusted_keys: Sequence[str | Path] = ()) -> None:
        """The store at `models`, a folder or s3://bucket/prefix; with keys, only what they signed is opened.

        Raises:
            StoreError: the URI is wrong.
        """
        self._store = open_models(str(models), [Path(key) for key in trusted_keys])
        self._releases = Releases(self._store, default_model=None, device=cpu_device(usable_cores()))
        self._open: dict[str | None, Release] = {}
        self._opening = threading.Lock()

    def generate(
        self,
        model: str | None = None,
        seeds: Sequence[int] | None = None,
        **asked: Unpack[PictureFields],
    ) -> Pictures:
        """The pictures of `seeds`, of latents or a mix, or `count` at random: those that a service draws.

        Raises:
            GanymedeError: one of `ganymede.errors`.
        """
        order = PictureOrder(model, seeds, **asked)
        request = parse_body(write_body(order.body(0, order.count)), GenerateRequest)
        release = self._get(model)
        inputs = draw_inputs(release.manifest, request, request.seeds)
        if request.directions:
            inputs = steer(inputs, read_directions(self._store, release.manifest), request.directions)
        array = enlarge(_draw(release, inputs), request.scale)
        return Pictures(array, order.seeds, release.manifest.reference)

    def walk(
        self,
        model: str | None = None,
        seeds: Sequence[int] | None = None,
        *,
        format: str = "mp4",
        **asked: Unpack[WalkFields],
    ) -> Walk:
        """A walk between the pictures of `seeds` or `latents`, as the file that a service answers.

        Raises:
            GanymedeError: one of `ganymede.errors`.
        """
        body = write_walk(model, seeds, format, **asked)
        request = parse_body(write_body(body), WalkRequest)
        if format not in MEDIA_TYPES:
            raise InvalidField("format", f"{format} is none of {', '.join(MEDIA_TYPES)}")
        check_fps(format, request.fps)
        release = self._get(model)
        keys = draw_inputs(release.manifest, request, request.seeds)
        with locked_folder("walk") as folder:
            path = folder / f"walk.{format}"
            with closing(open_walk_encoder(path, format, request, keys, release.manifest)) as encoder:
                for part in split_frames(request.frames):
                    images = _draw(release, walk_inputs(keys, request, part))
                    encoder.add(enlarge(images, request.scale))
                encoder.finish()
            return Walk(path.read_bytes(), format, body.get("seeds"), release.manifest.reference)

    def project(
        self,
        pictures: Picture | Iterable[Picture],
        model: str | None = None,
        **asked: Unpack[ProjectionFields],
    ) -> Projections:
        """Where pictures are in a model's latent space, and what it draws there: as a service finds them.

        Raises:
            GanymedeError: one of `ganymede.errors`; `NoProjection` where the version has no encoder.
        """
        order = ProjectionOrder(pictures, model, **asked)
        request = parse_body(write_body(order.body(0, len(order.files))), ProjectRequest)
        release = self._get(model)
        manifest, settings = release.manifest, release.projection.settings
        with self._opening:
            projector = release.projection.open()
        measure_photos(request.pictures, release.projection.frame, max_pixels=MOST_PIXELS)
        images = read_photos(request.pictures, release.projection.frame)
        weights = None
        if request.label is not None or request.labels is not None:
            weights = weigh_labels(manifest, request, None, len(images))
        wanted = settings.steps_taken if request.steps is None else request.steps
        found = project_here(projector, scale_pixels(images), weights, steps=wanted)
        return Projections(
            _draw(release, found.inputs),
            None,
            manifest.reference,
            list_decimals(found.inputs.latents),
            found.distances.tolist(),
            found.labels,
            None if manifest.label is None else list(manifest.label.classes),
        )

    def generate_shards(
        self,
        model: str,
        seeds: str | Iterable[int],
        to: str | Path,
        *,
        format: ShardFormat = "tar",
        shard_images: int = 10_000,
        label: str | None = None,
        truncation: float = 1.0,
        scale: int = 1,
        process: int = 0,
        processes: int = 1,
    ) -> Shards:
        """The pictures of `seeds`, in shards at `to`, a folder or s3://bucket/prefix.

        Seeds are `0-999999`, `range(9)` or a list. As by `ganymede generate --shards`, what is there
        and whole is passed over, and `processes` share the work, of which this is number `process`, from 0.

        Raises:
            GanymedeError: one of `ganymede.errors`, or `WrongOrder` for what is no order of shards.
        """
        order = Order(Seeds(seeds), format, shard_images, label, truncation, scale)
        order.check_process(process, processes)
        request = parse_body(write_body(describe_pictures(order)), GenerateRequest)
        return make_shards(self._get(model), request, order, str(to), index=process, processes=processes)

    def models(self) -> list[Model]:
        """The models of the store.

        Raises:
            StoreError: it does not answer, or is broken.
        """
        return [self._describe(name) for name in self._store.models()]

    def close(self) -> None:
        """Let go of the releases that are open."""
        self._open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, model: str | None) -> Release:
        with self._opening:
            if model not in self._open:
                self._open[model] = self._releases.get(model)
            return self._open[model]

    def _describe(self, name: str) -> Model:
        aliases: Mapping[str, Any] = self._store.aliases(name).entries
        named = {alias: entry.version for alias, entry in aliases.items()}
        return Model(name, self._store.versions(name), named, is_default=name == self._default())

    def _default(self) -> str | None:
        try:
            return self._releases.default_reference().model
        except ModelNotFound:
            return None


def _draw(release: Release, inputs: Inputs) -> Images:
    parts = (
        inputs.part(start, start + _BATCH_IMAGES) for start in range(0, len(inputs.latents), _BATCH_IMAGES)
    )
    drawn = [release.generator.generate(part.latents, part.labels) for part in parts]
    return np.concatenate(drawn)
