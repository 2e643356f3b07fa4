"""`MODEL`, `MODEL@ALIAS` and `MODEL@VERSION`: how everyone names a model."""

from dataclasses import dataclass

from foundation.errors import ModelNotFound
from foundation.names import is_name
from foundation.store.aliases import PRODUCTION, Alias
from foundation.store.interface import Store
from foundation.store.publication import list_there, name_some


@dataclass(frozen=True, slots=True)
class Reference:
    """A model and, after the `@`, one of its versions or aliases."""

    model: str
    selector: str = PRODUCTION

    def __str__(self) -> str:
        return f"{self.model}@{self.selector}"


def parse_reference(text: str) -> Reference:
    """Read `MODEL` or `MODEL@SELECTOR`.

    Raises:
        ModelNotFound: it cannot name a model.
    """
    model, at, selector = text.partition("@")
    if not is_name(model) or (at and not is_name(selector)):
        raise ModelNotFound(
            f"{text[:80]!r} does not name a model: write MODEL, MODEL@ALIAS or MODEL@VERSION "
            "in lower-case letters, digits, '.', '_' and '-'."
        )
    return Reference(model, selector or PRODUCTION)


def resolve_version(store: Store, reference: Reference) -> str:
    """The version that `reference` means now; an alias goes before a version of the same name.

    Raises:
        ModelNotFound, StoreUnreachable: as `resolve_alias`.
    """
    return resolve_alias(store, reference).version


def resolve_alias(store: Store, reference: Reference) -> Alias:
    """The same with the canary beside it; a version is told as an alias that points to itself.

    Raises:
        ModelNotFound: no such model, alias or version; the message says what there is.
        StoreUnreachable: none is known here, and the store does not answer.
    """
    aliases = store.aliases(reference.model).entries
    if alias := aliases.get(reference.selector):
        return alias
    versions = store.versions(reference.model)
    if reference.selector in versions:
        return Alias(version=reference.selector)
    if store.failure is not None:  # it may well be in the store that does not answer
        raise store.failure.with_traceback(None)
    if not versions:
        raise ModelNotFound(
            f"There is no model {reference.model!r} in {store.location}. "
            f"{list_there(store.models(), otherwise='It holds none yet')}.",
            location=store.location,
        )
    raise ModelNotFound(
        f"{reference.model} has no version or alias {reference.selector!r}. "
        f"Versions: {name_some(versions, otherwise='none')}. "
        f"Aliases: {name_some(sorted(aliases), otherwise='none')}."
        + (f" Name one: {reference.model}@{versions[-1]}." if versions else "")
    )
