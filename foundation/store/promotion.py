"""Moving an alias to a version, for all or for some."""

from collections.abc import Mapping

from foundation.errors import ModelNotFound, StoreError
from foundation.names import require_name
from foundation.store.aliases import PRODUCTION, Alias, Canary
from foundation.store.interface import Store
from foundation.store.publication import name_some


def promote(store: Store, model: str, version: str, *, alias: str = PRODUCTION) -> None:
    """Point `alias` of `model` at `version`, for all: a canary beside it ends.

    Raises:
        ModelNotFound: there is no such version.
        StoreError: the alias has no proper name, or has the name of a version.
        AliasMoved: someone else moved an alias of the model meanwhile; nothing was written.
    """
    versions = _require_version(store, model, version)
    if alias in versions:
        raise StoreError(f"{alias!r} cannot be an alias of {model}: it is the name of a version.")
    require_name(alias, f"an alias of {model}")
    old = store.aliases(model)
    new = old.moved(alias, version)
    if new is not old:
        store.swap_aliases(model, old, new)


def try_out(
    store: Store,
    model: str,
    version: str,
    *,
    share: float,
    shadow: bool = False,
    alias: str = PRODUCTION,
) -> Canary | None:
    """Let `version` answer a share in [0, 1] of those who mean `alias` of `model`, or shadow the rest.

    It takes the place of a canary that is there. A share of 0 without a shadow ends the one of this version,
    and None is returned.

    Raises:
        ModelNotFound: there is no such version or alias.
        StoreError: the alias points there already, or is tried with another version than the one to end.
        AliasMoved: someone else moved an alias of the model meanwhile; nothing was written.
    """
    _require_version(store, model, version)
    old = store.aliases(model)
    entry = old.entries.get(alias)
    if entry is None:
        raise _no_alias(store, model, alias, old.entries)
    if entry.version == version:
        raise StoreError(f"{model}@{alias} is {version} already, for all; a canary is another version.")
    canary = Canary(version=version, share=share, shadow=shadow) if share or shadow else None
    if canary is None and entry.canary is not None and entry.canary.version != version:
        raise StoreError(f"The canary of {model}@{alias} is {entry.canary.version}, not {version}.")
    new = old.tried(alias, canary)
    if new is not old:
        store.swap_aliases(model, old, new)
    return canary


def rollback(store: Store, model: str, *, alias: str = PRODUCTION) -> tuple[str, str]:
    """Undo the last promotion of `alias`; return the version that goes and the one that all get now.

    While a canary is on trial, that ends, and the alias stays where it is. Else it goes back to its previous
    version; doing that twice returns to the start.

    Raises:
        ModelNotFound: there is no such alias.
        StoreError: it has no previous version.
        AliasMoved: someone else moved an alias of the model meanwhile; nothing was written.
    """
    old = store.aliases(model)
    entry = old.entries.get(alias)
    if entry is None:
        raise _no_alias(store, model, alias, old.entries)
    if entry.trial is not None:
        store.swap_aliases(model, old, old.tried(alias, None))
        return entry.trial.version, entry.version
    if entry.previous is None:
        raise StoreError(f"{model}@{alias} has been {entry.version} from the start: nothing to go back to.")
    if entry.previous not in store.versions(model):
        raise ModelNotFound(f"{model} has no version {entry.previous!r} any more in {store.location}.")
    store.swap_aliases(model, old, old.moved(alias, entry.previous))
    return entry.version, entry.previous


def _require_version(store: Store, model: str, version: str) -> list[str]:
    """All versions of `model`, `version` among them."""
    versions = store.versions(model)
    if version not in versions:
        raise ModelNotFound(
            f"{model} has no version {version!r} in {store.location}. "
            f"Versions: {name_some(versions, otherwise='none')}."
        )
    return versions


def _no_alias(store: Store, model: str, alias: str, aliases: Mapping[str, Alias]) -> ModelNotFound:
    return ModelNotFound(
        f"{model} has no alias {alias!r} in {store.location}. "
        f"Aliases: {name_some(sorted(aliases), otherwise='none')}."
    )
