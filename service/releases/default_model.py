"""Which model a request without `model` means where no setting says so."""

import logging
from datetime import UTC, datetime

from foundation.errors import ModelNotFound, NotTrusted, StoreDenied, StoreError, StoreUnreachable
from foundation.store import PRODUCTION, Reference, Store

log = logging.getLogger(__name__)


def find_default(store: Store) -> Reference:
    """The oldest of the store's models that have a production version: a new model takes nobody's place.

    Raises:
        ModelNotFound: it has none.
    """
    models, failure = [], None
    for model in store.models():
        try:
            production = store.aliases(model).entries.get(PRODUCTION)
            if production is not None and production.version in store.versions(model):
                _require_trust(store, model, production.version)
                models.append(model)
        except StoreError as error:
            raise_if_away(store, error)
            log.warning("%s is not looked at for the default model: %s", model, error)
            failure = error
    if not models and failure is not None:
        raise failure
    if not models:
        raise ModelNotFound(
            f"No model in {store.location} has a {PRODUCTION!r} version. Publish one "
            "(ganymede publish RUN --name NAME) and promote it (ganymede promote NAME VERSION).",
            location=store.location,
        )
    if len(models) == 1:
        return Reference(models[0])
    return Reference(min(models, key=lambda model: _find_birth(store, model)))


def raise_if_away(store: Store, error: Exception) -> None:
    """Raise `error`, met while one model was looked at, if it is the store's and so every model's."""
    if isinstance(error, StoreUnreachable) and not isinstance(error, StoreDenied) and store.failure:
        raise error


def _find_birth(store: Store, model: str) -> datetime:
    """When the model's oldest trusted version was made; now, if that cannot be said."""
    try:
        for version in store.versions(model):
            try:
                return store.manifest(model, version).created_at
            except NotTrusted:
                log.warning(
                    "%s@%s is not trusted, so nobody says how old %s is: let GANYMEDE_DEFAULT_MODEL say "
                    "which model a request without one means.",
                    model,
                    version,
                    model,
                )
    except (StoreError, ModelNotFound) as error:
        raise_if_away(store, error)
    return datetime.now(UTC)


def _require_trust(store: Store, model: str, version: str) -> None:
    """Raise `NotTrusted` for a version that no trusted key signed; other faults are told at its opening."""
    try:
        store.manifest(model, version)
    except NotTrusted:
        raise
    except (StoreError, ModelNotFound) as error:
        raise_if_away(store, error)
