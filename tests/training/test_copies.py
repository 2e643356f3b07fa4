"""Whether drawings are copies of training pictures: found where they are, and not cried over where not."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganymede.commands.runs import TooManyCopies, explained
from tests.training.run_folders import add_release, make_run
from training.errors import CopiedError
from training.evaluation.copying import find_copies, hold_out, write_pairs
from training.evaluation.pixel_space import PixelSpace
from training.export.figures import require_few_copies
from training.metrics import METRICS
from training.metrics.copies import Search, begin_rule, make_rule
from training.report import write_report

DRAWN, HELD_OUT = "copied_pixels16_60_train", "copied_pixels16_60_test"


def draw_set(seed, count, side=24):
    """Pictures of a rectangle each, in a colour of its own, anywhere."""
    random = np.random.default_rng(seed)
    images = np.full((count, side, side, 3), 255, np.uint8)
    for image in images:
        top, left = random.integers(0, side - 6, 2)
        height, width = random.integers(4, side // 2, 2)
        image[top : top + height, left : left + width] = random.integers(0, 256, 3)
    return images


@pytest.fixture(scope="module")
def training():
    return draw_set(0, 600)


def look(drawn, training, held_out=None, spaces=None):
    return find_copies(spaces or [PixelSpace()], drawn, training, held_out, lambda *_: None)


def spoil(images, kind):
    """Copies as a generator makes them: not quite."""
    random = np.random.default_rng(3)
    if kind == "noise":
        return np.clip(images + random.normal(0, 8, images.shape), 0, 255).astype(np.uint8)
    if kind == "darker":
        return (images * 0.98).astype(np.uint8)
    return images


@pytest.mark.parametrize("kind", ["exact", "noise", "darker"])
def test_a_generator_that_copies_is_found_with_what_it_copied(training, kind):
    rows = np.random.default_rng(1).permutation(600)[:60]
    found = look(spoil(training[rows], kind), training, draw_set(2, 60))
    assert found.figures[DRAWN] > 0.9
    assert found.figures[HELD_OUT] < 0.1
    assert [pair.row for pair in found.pairs] == [rows[pair.seed] for pair in found.pairs]
    assert len({pair.row for pair in found.pairs}) == 8
    assert all(pair.share < 1 for pair in found.pairs)


def test_one_that_draws_anew_is_not_and_its_share_is_that_of_pictures_held_out(training):
    found = look(draw_set(4, 60), training, draw_set(2, 60))
    assert found.figures[DRAWN] <= 0.05
    assert set(found.figures) == {DRAWN, HELD_OUT}
    assert look(draw_set(4, 60), training).figures.keys() == {DRAWN}


def test_a_copy_that_is_shifted_is_seen_by_the_network_and_one_with_noise_by_the_pixels(
    general_network, training
):
    spaces, few = [general_network, PixelSpace()], training[:50]
    shifted = look(np.roll(few[:20], 1, axis=2), few, spaces=spaces).figures
    noisy = look(spoil(few[:20], "noise"), few, spaces=spaces).figures
    assert shifted["copied_efficientnet_lite0_20_train"] > shifted["copied_pixels16_20_train"]
    assert noisy["copied_pixels16_20_train"] > 0.9


def test_a_set_that_holds_pictures_twice_still_tells_copies(training):
    twice = np.concatenate([training[:100], training[:100]])
    found = look(np.concatenate([spoil(training[:30], "noise"), draw_set(4, 30)]), twice)
    assert 0.4 < found.figures[DRAWN] <= 0.55
    alike = np.zeros((40, 16, 16, 3), np.uint8)
    assert look(alike[:6], alike).figures == {"copied_pixels16_6_train": 1.0}


def test_the_pictures_are_looked_through_in_parts_and_their_places_kept():
    features = np.random.default_rng(0).normal(size=(1500, 3))
    whole, parts = Search(features[:1200] + 1e-4), Search(features[:1200] + 1e-4)
    whole.look(features, 0)
    for first in range(0, 1500, 400):
        parts.look(features[first : first + 400], first)
    np.testing.assert_array_equal(parts.rows, np.arange(1200))
    np.testing.assert_allclose(parts.distances, whole.distances)


def test_the_rule_is_the_hundredth_part_of_how_far_training_pictures_lie_apart():
    features = np.random.default_rng(0).normal(size=(200, 2))
    between = np.linalg.norm(features[:, None] - features, axis=2)
    nearest = np.where(np.eye(200), np.inf, between).min(axis=1)
    apart = begin_rule(features)
    apart.look(features, 0)
    limit = make_rule(apart).limit
    assert limit == pytest.approx(np.quantile(nearest, 0.01))
    drawn = features[:2] + np.array([[0.9 * limit, 0.0], [50.0, 0.0]])
    assert METRICS["copied"].compute(features, drawn) == 0.5


def test_where_nothing_is_held_out_there_is_no_share_without_copying(training):
    assert hold_out(training, training) is None
    assert hold_out(training, training[:50]) is None
    assert len(hold_out(training, draw_set(2, 50))) == 50


def evaluate_made_up(tmp_path, share):
    """A run folder with an evaluation in which `share` of the drawings are copies."""
    run = make_run(tmp_path / "run")
    add_release(run)
    content = json.loads(run.figures_path.read_text())
    content["figures"] |= {"copied_s_1k_train": share, "copied_s_188_test": 0.011, "copied_p_1k_train": 0.0}
    images = draw_set(0, 20)
    found = look(images[:4], images)
    content["copies"] = found.describe()
    write_pairs(run.copies_path, images, images, found.pairs)
    run.figures_path.write_text(json.dumps(content))
    return run


class Export:
    sha256 = "ab"


def make_export() -> Any:
    return Export()


@pytest.mark.parametrize(("share", "most"), [(0.02, 0.02), (0.0, 0.0), (1.0, 1.0)])
def test_as_many_copies_as_may_be_are_published(tmp_path, share, most):
    require_few_copies(evaluate_made_up(tmp_path, share), make_export(), most)


@pytest.mark.parametrize("most", [0.02, 0.0, float("nan")])
def test_more_are_refused_with_the_figure_and_a_code(tmp_path, most):
    run = evaluate_made_up(tmp_path, 0.25)
    with (
        pytest.raises(
            TooManyCopies, match=r"25\.0% of the drawings are copies.*copied_s_1k_train"
        ) as refusal,
        explained(),
    ):
        require_few_copies(run, make_export(), most)
    assert refusal.value.code == "too-many-copies"
    assert str(refusal.value).endswith("[too-many-copies]")


def test_an_export_that_nobody_looked_at_is_refused(tmp_path):
    run = evaluate_made_up(tmp_path, 0.0)
    Export.sha256, before = "of another", Export.sha256
    try:
        with pytest.raises(CopiedError, match="ganymede evaluate"):
            require_few_copies(run, make_export(), 1.0)
    finally:
        Export.sha256 = before


def test_the_report_shows_the_most_copied_beside_what_they_copy(tmp_path):
    run = evaluate_made_up(tmp_path, 0.25)
    with Image.open(run.copies_path) as grid:
        assert grid.width > grid.height
    page = write_report(run.folder).read_text()
    assert "Are these copies?" in page
    assert "copied_s_1k_train" in page
    assert "0.25" in page
    assert "0.011" in page  # of pictures that nobody trained on
    assert "by pixels16" in page
    run.figures_path.write_text(run.figures_path.read_text().replace('"ab"', '"another"'))
    assert "Are these copies?" not in write_report(run.folder).read_text()
