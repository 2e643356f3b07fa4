"""A release in memory: read, looked through, opened and held against its golden check."""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx

from foundation.errors import GanymedeError, ReleaseRefused
from foundation.graphs.content import MAX_GRAPH_BYTES, check_graph
from foundation.graphs.memory import check_memory
from foundation.graphs.trial import TrialFailed, try_graph
from foundation.grid.proof import NotExact, Proof, prove_exact
from foundation.manifest import REFERENCE_GRAPH, File, Manifest
from foundation.store import Store
from foundation.store.publication import entry_of
from service.engine.devices import Device, exact_device
from service.engine.generator import Generator
from service.metrics import ShownModel
from service.releases.curvatures import Curvatures
from service.releases.drawn_by import DrawnBy, name_drawing
from service.releases.golden import TIMEOUT_S, GoldenAnswer, check_golden
from service.releases.release_directions import ReleaseDirections
from service.releases.release_projection import ReleaseProjection
from service.releases.sizes import check_budget
from service.requests.inputs import draw_seeds

log = logging.getLogger(__name__)

NPY_HEAD_BYTES = 65_536
"""More than the head of any `.npy` file of images."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a model that passed its golden check and can generate."""

    manifest: Manifest
    generator: Generator
    golden: GoldenAnswer
    drawn_by: DrawnBy
    directions: ReleaseDirections
    projection: ReleaseProjection

    def shown(self) -> ShownModel:
        """How the metrics show it."""
        manifest, generator = self.manifest, self.generator
        differs = not self.golden.same_bytes
        return ShownModel(manifest.name, manifest.version, generator.device, generator.precision, differs)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What opening a release needs of it, read and checked against its sums."""

    store: Store
    manifest: Manifest
    graph: bytes
    golden_images: bytes | None
    max_graph_bytes: int = MAX_GRAPH_BYTES
    """Of what is read of it later."""


def open_release(
    store: Store, model: str, version: str, device: Device, *, max_graph_bytes: int = MAX_GRAPH_BYTES
) -> Release:
    """Read, check and open one version.

    Raises:
        ModelNotFound: there is none.
        ReleaseRefused: it is damaged or too large, or does not generate what it recorded.
        StoreUnreachable: the store does not answer.
    """
    fetched = fetch_release(store, model, version, max_graph_bytes=max_graph_bytes)
    release = open_fetched(fetched, device)
    log.info("opened %s from %s", release.manifest.reference, store.location)
    return release


def fetch_release(
    store: Store, model: str, version: str, *, max_graph_bytes: int = MAX_GRAPH_BYTES
) -> Fetched:
    """Read one version.

    Raises:
        ModelNotFound, StoreUnreachable: as `open_release`.
        ReleaseRefused: it is damaged or too large.
    """
    manifest = store.manifest(model, version)
    entry = entry_of(manifest, REFERENCE_GRAPH)
    check_budget(manifest, entry, max_graph_bytes=max_graph_bytes)
    graph = store.read(manifest, REFERENCE_GRAPH, max_bytes=max_graph_bytes)
    images, size = manifest.golden.images, manifest.image
    pixels = len(manifest.golden.seeds) * size.height * size.width * size.channels
    exact = store.read(manifest, images, max_bytes=pixels + NPY_HEAD_BYTES) if images else None
    return Fetched(store, manifest, graph, exact, max_graph_bytes)


def open_fetched(
    fetched: Fetched,
    device: Device,
    *,
    timeout_s: float = TIMEOUT_S,
    curvatures: Curvatures | None = None,
) -> Release:
    """Check and open what was fetched; `timeout_s` is of its golden check, for `curvatures` see there.

    Raises:
        ReleaseRefused: as `open_release`.
    """
    manifest = fetched.manifest
    check_content(manifest, fetched.graph)
    if manifest.arithmetic == "exact":
        device = exact_device(device)
    generator = Generator(manifest, fetched.graph, device)
    golden = hold_against_golden(manifest, generator, fetched.golden_images, timeout_s)
    return Release(
        manifest,
        generator,
        golden,
        name_drawing(manifest, generator, golden),
        ReleaseDirections(fetched.store, manifest),
        ReleaseProjection(
            fetched.store,
            manifest,
            generator,
            device,
            max_graph_bytes=fetched.max_graph_bytes,
            curvatures=curvatures,
        ),
    )


def check_content(manifest: Manifest, graph: bytes) -> None:
    """Look through a release's graph, and try it elsewhere first if what it needs cannot be told.

    Raises:
        ReleaseRefused: it holds what no graph may, takes more memory than it may, or is not exact as it says.
    """
    model = check_graph(graph, manifest.reference, REFERENCE_GRAPH)
    sizes = {"latent": (manifest.latent.size,)}
    if manifest.label is not None:
        sizes["label"] = (len(manifest.label.classes),)
    known = check_memory(model, sizes, manifest.reference, REFERENCE_GRAPH)
    if manifest.arithmetic == "exact":
        check_exact(model, manifest.reference)
    if known:
        return
    inputs = draw_seeds(manifest, manifest.golden.seeds[:2])
    feeds = {"latent": inputs.latents}
    if inputs.labels is not None:
        feeds["label"] = inputs.labels
    try:
        try_graph(graph, feeds)
    except TrialFailed as error:
        raise ReleaseRefused(
            f"{manifest.reference}: {REFERENCE_GRAPH} cannot be served, tried by itself: {error}."
        ) from error


def check_exact(model: onnx.ModelProto, reference: str) -> Proof:
    """Prove that no sum of a graph can round, as its release says; what was found.

    Raises:
        ReleaseRefused: it is not proven; the message names the operator.
    """
    try:
        return prove_exact(model)
    except NotExact as error:
        raise ReleaseRefused(
            f"{reference}: its manifest says that its arithmetic is exact, and {REFERENCE_GRAPH} is not "
            f"proven to be: {error}"
        ) from error


def check_files(store: Store, manifest: Manifest) -> Iterator[File]:
    """Read every file of a release and yield its entry once its size and sha256 are right.

    Raises:
        ReleaseRefused: one is missing, cut off or altered; the message names it.
    """
    with tempfile.TemporaryDirectory() as folder:
        for entry in manifest.files:
            store.fetch(manifest, entry.path, Path(folder) / "file")
            yield entry


def hold_against_golden(
    manifest: Manifest, generator: Generator, golden_images: bytes | None, timeout_s: float = TIMEOUT_S
) -> GoldenAnswer:
    """Run the golden check of a release; see `service.releases.golden.check_golden`.

    Raises:
        ReleaseRefused: it fails, or the graph does not even run.
    """
    try:
        return check_golden(manifest, generator, golden_images, timeout_s=timeout_s)
    except GanymedeError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ReleaseRefused(
            f"{manifest.reference}: {REFERENCE_GRAPH} does not run: {str(error)[:300]}"
        ) from error
