"""What is measured of a release is measured once, and one that takes too long is tried again."""

import threading

import numpy as np
import pytest

from foundation.curvature import Curvature
from foundation.errors import ReleaseRefused, Unavailable
from foundation.store import FolderStore
from service.engine.devices import cpu_device
from service.releases import release_projection
from service.releases.curvatures import MAX_KEPT, Curvatures, measure_release
from service.releases.lookup import Releases
from tests.patience import PATIENCE_S
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.tiny_projections import project_tiny_model


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root, folder = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("graphs")
    model = TinyModel(name="face")
    publish_tiny_model(root, model, more=project_tiny_model(model, folder))
    return Releases(FolderStore(root), default_model=None, device=cpu_device(1))


def known() -> Curvature:
    return Curvature(np.eye(2))


def test_what_was_measured_last_is_kept_and_no_more_than_so_many():
    curvatures, measured = Curvatures(), []

    def ask(number: int) -> Curvature | None:
        return curvatures.get(str(number), lambda: measured.append(number) or known())

    first = ask(0)
    for number in range(1, MAX_KEPT):
        ask(number)
    assert ask(0) is first
    ask(MAX_KEPT)  # for which 1 leaves
    assert ask(0) is first
    ask(1)
    assert measured == [*range(MAX_KEPT + 1), 1]


def test_that_nothing_is_known_is_kept_as_well_but_no_failure():
    curvatures = Curvatures()

    def fail():
        raise Unavailable("too slow")

    with pytest.raises(Unavailable):
        curvatures.get("a", fail)
    assert curvatures.get("a", lambda: None) is None
    assert curvatures.get("a", fail) is None


def test_two_who_ask_at_once_measure_once_and_who_asks_for_another_waits_for_neither():
    curvatures, began, go_on = Curvatures(), threading.Event(), threading.Event()
    found: list[Curvature | None] = []

    def measure() -> Curvature:
        assert not began.is_set()
        began.set()
        assert go_on.wait(PATIENCE_S)
        return known()

    threads = [
        threading.Thread(target=lambda: found.append(curvatures.get("a", measure)), daemon=True)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert began.wait(PATIENCE_S)
    assert curvatures.get("b", lambda: None) is None
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(found) == 2
    assert found[0] is found[1] is not None


def test_a_release_that_left_and_is_opened_again_is_not_measured_again(releases, monkeypatch):
    measure, measured = measure_release, []
    monkeypatch.setattr(
        release_projection, "measure_release", lambda *given: measured.append(1) or measure(*given)
    )
    first, second = (releases.get("face").projection.open() for _ in range(2))
    assert first is not second
    assert first.curvature is second.curvature is not None
    assert measured == [1]


@pytest.mark.parametrize("slow", ["try_projection", "measure_release"])
def test_one_that_takes_too_long_is_not_refused_but_tried_again(releases, monkeypatch, slow):
    work, limits = getattr(release_projection, slow), []

    def pass_limit(*given):
        limit = given[-1]
        limits.append(limit)
        if len(limits) == 1:
            limit.passed = limit.options.terminate = True  # as its timer would
        return work(*given)

    monkeypatch.setattr(release_projection, slow, pass_limit)
    monkeypatch.setattr(releases._loading, "_curvatures", Curvatures())
    projection = releases.get("face").projection
    with pytest.raises(Unavailable, match=r"face@v1 could not be tried within .* is tried again") as late:
        projection.open()
    assert late.value.retry_after_s == 60
    assert projection.open().curvature is not None
    assert len(limits) == 2


def test_one_that_does_not_run_is_refused_for_as_long_as_it_is_there(releases, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such kernel")

    projection = releases.get("face").projection
    with monkeypatch.context() as patch:
        patch.setattr(release_projection, "try_projection", fail)
        with pytest.raises(ReleaseRefused, match="do not run: no such kernel"):
            projection.open()
    with pytest.raises(ReleaseRefused, match="do not run: no such kernel"):
        projection.open()
