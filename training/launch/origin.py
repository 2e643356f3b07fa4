"""What a run may begin from: another run, or a release that carries the weights of its training."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from foundation.manifest import Manifest
from foundation.store import Store
from training.errors import ConfigurationError
from training.export.exporting import choose_checkpoint
from training.export.origins import WEIGHTS, advise_origins, find_origins
from training.export.weights import MAX_BYTES, Weights, collect_weights, read_weights
from training.presets import build_gan, find_preset
from training.run.checkpoints import Checkpoints
from training.run.folder import Run


@dataclass(frozen=True, slots=True)
class Origin:
    """Weights by name, and the classes of the labels that they know."""

    name: str
    weights: Weights
    class_names: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    """Those that it was trained with, by name, as far as they are known."""


def read_release(store: Store, manifest: Manifest, preset: str) -> Origin:
    """Return what a release carries for training; where it carries nothing, say which of `preset` do.

    Raises:
        ConfigurationError: it carries nothing.
        ExportError: what it carries is damaged.
    """
    entry = manifest.file(WEIGHTS)
    if entry is None or entry.size_bytes > MAX_BYTES:
        raise ConfigurationError(
            f"{manifest.reference} carries no weights to begin from (it has no {WEIGHTS}): it was published "
            "without, imported, or is from before releases had them. "
            + advise_origins(find_origins(store, preset), store.location)
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        store.fetch(manifest, WEIGHTS, path)
        weights = read_weights(path)
    classes = manifest.label.classes if manifest.label else ()
    return Origin(manifest.reference, weights, classes, read_settings(manifest))


def read_settings(manifest: Manifest) -> Mapping[str, object]:
    """Return the settings that a release says it was trained with; none where it says nothing."""
    settings = manifest.training.get("configuration")
    return settings if isinstance(settings, dict) else {}


def read_run(folder: Path) -> Origin:
    """Return the weights of a run's best checkpoint, or of its last where none was measured.

    Raises:
        RunError: there is no such run, or its checkpoint cannot be read.
        ConfigurationError: it has no checkpoint yet.
    """
    run = Run(folder)
    configuration, shape = run.read_configuration(), run.read_shape()
    gan = build_gan(configuration, "float32", shape, total_steps=1)
    step, _ = choose_checkpoint(run, None)
    if not Checkpoints(run.checkpoints_folder, gan, configuration.checkpoints_kept).restore(step):
        raise ConfigurationError(f"{folder} has no checkpoint yet: there is nothing to begin from.")
    classes = find_preset(configuration.preset).label_classes(shape)
    return Origin(str(folder), collect_weights(gan), classes, configuration.model_dump())
