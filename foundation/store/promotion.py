"""Moving an alias to a version."""

from foundation.errors import ModelNotFound, StoreError
from foundation.manifest import is_name
from foundation.store.aliases import PRODUCTION
from foundation.store.interface import Store
from foundation.store.publication import name_some


def promote(store: Store, model: str, version: str, *, alias: str = PRODUCTION) -> None:
    """Point `alias` of `model` at `version`.

    Raises:
        ModelNotFound: there is no such version.
        StoreError: the alias has no proper name, or has the name of a version.
        AliasMoved: someone else moved an alias of the model meanwhile; nothing was written.
    """
    versions = store.versions(model)
    if version not in versions:
        raise ModelNotFound(
            f"{model} has no version {version!r} in {store.location}. "
            f"Versions: {name_some(versions, otherwise='none')}."
        )
    if not is_name(alias) or alias in versions:
        raise StoreError(
            f"{alias!r} cannot be an alias of {model}: "
            "use lower-case letters, digits, '.', '_' and '-', and not a version's name."
        )
    old = store.aliases(model)
    new = old.moved(alias, version)
    if new is not old:
        store.swap_aliases(model, old, new)


def rollback(store: Store, model: str, *, alias: str = PRODUCTION) -> tuple[str, str]:
    """Point `alias` of `model` back at its previous version; return where it was and where it is now.

    Rolling back twice returns to the start.

    Raises:
        ModelNotFound: there is no such alias.
        StoreError: it has no previous version.
        AliasMoved: someone else moved an alias of the model meanwhile; nothing was written.
    """
    old = store.aliases(model)
    entry = old.entries.get(alias)
    if entry is None:
        raise ModelNotFound(
            f"{model} has no alias {alias!r} in {store.location}. "
            f"Aliases: {name_some(sorted(old.entries), otherwise='none')}."
        )
    if entry.previous is None:
        raise StoreError(f"{model}@{alias} has been {entry.version} from the start: nothing to go back to.")
    if entry.previous not in store.versions(model):
        raise ModelNotFound(f"{model} has no version {entry.previous!r} any more in {store.location}.")
    store.swap_aliases(model, old, old.moved(alias, entry.previous))
    return entry.version, entry.previous
