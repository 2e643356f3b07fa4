"""An encoder beside a release's generator: the same version with it is published as the next one."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from foundation.graphs.content import check_graph
from foundation.manifest import REFERENCE_GRAPH, Manifest, created_now
from foundation.store import Store, describe_file
from training.data import load_pictures
from training.encoder.encoding import Lesson, teach_encoder
from training.encoder.runs import load_held_out
from training.encoder.settings import EncoderSettings, Source
from training.encoder.subject import read_released
from training.errors import ConfigurationError
from training.export.projection import ProjectionReport, list_files
from training.export.training_set import find_training_set, naming_origin
from training.run.paths import RunPaths

MAX_GRAPH_BYTES = 2**30


def encode_release(
    store: Store,
    manifest: Manifest,
    run: RunPaths,
    settings: EncoderSettings,
    source: Source,
    *,
    features: Path | None,
    console: Console,
) -> ProjectionReport | None:
    """Teach an encoder for a release in the folder of `run`; None where it was stopped, and goes on later.

    Raises:
        ConfigurationError: nobody says which pictures it was trained on, or its are of no known size.
        ReleaseRefused: its graph holds what no graph may.
        TrainingProblem: as `teach_encoder`.
    """
    graph = store.read(manifest, REFERENCE_GRAPH, max_bytes=MAX_GRAPH_BYTES)
    check_graph(graph, manifest.reference, REFERENCE_GRAPH)
    try:
        subject = read_released(manifest, graph)
    except ValidationError as error:
        raise ConfigurationError(
            f"{manifest.reference} draws pictures of a size that nothing is trained on here: from 8 to 1024 "
            "pixels a side."
        ) from error
    data, kept = find_training_set(manifest, source.data)
    with naming_origin(manifest, data, source.data):
        training = load_pictures(data, source.folder, "train", kept, console)
    lesson = Lesson(subject, training, load_held_out(data, source.folder, kept, training), features=features)
    said = f"The encoder of {manifest.reference} learns in {run.folder}"
    console.print(said, highlight=False, soft_wrap=True, markup=False)
    return teach_encoder(run, lesson, settings, console)


def publish_encoded(
    store: Store,
    manifest: Manifest,
    run: RunPaths,
    report: ProjectionReport,
    version: str,
    sign: Callable[[Manifest], bytes | None],
) -> Manifest:
    """Publish the files of a release and its encoder's as another version; its manifest.

    Raises:
        AlreadyPublished: the store has that version; nothing was changed.
    """
    added = list_files(run)
    kept = [entry for entry in manifest.files if entry.path not in added]
    with tempfile.TemporaryDirectory() as name:
        files = {entry.path: Path(name) / entry.path for entry in kept} | added
        for entry in kept:
            store.fetch(manifest, entry.path, files[entry.path])
        published = manifest.model_copy(
            update={
                "version": version,
                "created_at": created_now(),
                "files": (*kept, *(describe_file(path) for path in added.values())),
                "projection": report.projection,
            }
        )
        published = Manifest.model_validate(published.model_dump())
        store.publish(published, files, signature=sign(published))
    return published
