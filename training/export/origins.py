"""The releases of a store that carry what a run may begin from; no TensorFlow is loaded to find them."""

from foundation.errors import GanymedeError
from foundation.store import Store

WEIGHTS = "training-weights.npz"
"""The file of a release that has the weights of its training."""
MODELS, VERSIONS = 50, 5
"""Looked at, at most: models of a store, and of each the newest versions."""


def find_origins(store: Store, preset: str) -> tuple[str, ...]:
    """Return the newest release of each model that carries the weights of a training of `preset`.

    What cannot be read is passed over: this is advice.
    """
    try:
        models = store.models()[:MODELS]
    except GanymedeError:
        return ()
    return tuple(origin for model in models if (origin := find_origin(store, model, preset)))


def find_origin(store: Store, model: str, preset: str) -> str | None:
    """Return the newest version of a model that carries such weights, as `MODEL@VERSION`."""
    try:
        for version in reversed(store.versions(model)[-VERSIONS:]):
            manifest = store.manifest(model, version)
            settings = manifest.training.get("configuration")
            if manifest.file(WEIGHTS) and isinstance(settings, dict) and settings.get("preset") == preset:
                return manifest.reference
    except GanymedeError:
        pass
    return None


def advise_origins(origins: tuple[str, ...], place: str) -> str:
    """Return from what a run may begin, of the `origins` in the store at `place`."""
    if not origins:
        return (
            f"No release in {place} carries weights to begin from: --from takes the folder of a run, or a "
            "release that was published with them."
        )
    return f"--from begins with the weights of another run's folder, or of {', '.join(origins)}."
