"""What every store promises of aliases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from foundation.errors import AliasMoved, ModelNotFound, ReleaseRefused, StoreError
from foundation.store import Store, parse_reference, promote, resolve_version, rollback
from foundation.store.aliases import Aliases
from tests.store.conftest import Overwrite
from tests.store.releases import publish_bytes


def test_an_alias_moves_and_remembers_where_it_was(store: Store) -> None:
    publish_bytes(store, version="v1")
    publish_bytes(store, version="v2")
    promote(store, "grey", "v1")
    promote(store, "grey", "v2")
    entry = store.aliases("grey").entries["production"]
    assert (entry.version, entry.previous) == ("v2", "v1")
    assert resolve_version(store, parse_reference("grey")) == "v2"
    assert resolve_version(store, parse_reference("grey@v1")) == "v1"


def test_a_rollback_returns_to_the_previous_version_and_a_second_one_comes_back(store: Store) -> None:
    publish_bytes(store, version="v1")
    publish_bytes(store, version="v2")
    promote(store, "grey", "v1")
    with pytest.raises(StoreError, match="nothing to go back to"):
        rollback(store, "grey")
    promote(store, "grey", "v2")
    assert rollback(store, "grey") == ("v2", "v1")
    assert resolve_version(store, parse_reference("grey")) == "v1"
    assert rollback(store, "grey") == ("v1", "v2")
    with pytest.raises(ModelNotFound, match="no alias 'staging'"):
        rollback(store, "grey", alias="staging")


def test_promoting_where_the_alias_is_already_changes_nothing(store: Store) -> None:
    publish_bytes(store)
    promote(store, "grey", "v1")
    before = store.aliases("grey")
    promote(store, "grey", "v1")
    assert store.aliases("grey") == before


def test_what_cannot_be_promoted_is_refused(store: Store) -> None:
    publish_bytes(store)
    with pytest.raises(ModelNotFound, match=r"no version 'v7'.*Versions: v1"):
        promote(store, "grey", "v7")
    for alias in ("v1", "Production", "../x", ""):
        with pytest.raises(StoreError, match="cannot be an alias"):
            promote(store, "grey", "v1", alias=alias)


def test_asking_again_returns_what_is_known_until_it_changes(store: Store) -> None:
    publish_bytes(store, version="v1")
    publish_bytes(store, version="v2")
    promote(store, "grey", "v1")
    known = store.aliases("grey")
    assert store.aliases("grey", known) is known
    promote(store, "grey", "v2")
    assert store.aliases("grey", known).entries["production"].version == "v2"


def test_a_swap_from_what_is_no_longer_there_is_refused(store: Store) -> None:
    publish_bytes(store, version="v1")
    nothing = store.aliases("grey")
    promote(store, "grey", "v1")
    with pytest.raises(AliasMoved, match="nothing was written"):
        store.swap_aliases("grey", nothing, nothing.moved("production", "v9"))
    stale = Aliases(entries={}, revision='"0123"')
    publish_bytes(store, name="other")
    with pytest.raises(AliasMoved):
        store.swap_aliases("other", stale, stale.moved("production", "v1"))
    assert store.aliases("other").entries == {}


@pytest.mark.parametrize("first", [True, False], ids=["new-file", "existing-file"])
def test_of_sixteen_promotions_at_once_one_wins_and_fifteen_say_so(store: Store, first: bool) -> None:
    versions = [f"v{number}" for number in range(1, 17)]
    publish_bytes(store, version="v1")
    if not first:
        promote(store, "grey", "v1", alias="staging")
    old = store.aliases("grey")
    together = threading.Barrier(16)

    def swap(version: str) -> str | None:
        new = old.moved("production", version)
        together.wait()
        try:
            store.swap_aliases("grey", old, new)
        except AliasMoved:
            return None
        return version

    with ThreadPoolExecutor(16) as pool:
        winners = [version for version in pool.map(swap, versions) if version]
    assert len(winners) == 1
    assert store.aliases("grey").entries["production"].version == winners[0]


def test_an_alias_file_that_is_none_is_refused_by_name(store: Store, overwrite: Overwrite) -> None:
    publish_bytes(store)
    promote(store, "grey", "v1")
    overwrite("grey/aliases.json", b'{"production": 7}')
    with pytest.raises(ReleaseRefused, match=r"grey/aliases\.json"):
        store.aliases("grey")
