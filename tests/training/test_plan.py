"""`ganymede plan`: what is seen in a set, what is chosen for it, what it would take."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from foundation.store import FolderStore
from ganymede.command import app
from tests.conftest import REPOSITORY
from tests.training.conftest import DATA_FOLDER
from training.data import load_pictures
from training.errors import ConfigurationError, DataError
from training.plan import plan as planning
from training.plan.costs import Instance, estimate_costs, read_table
from training.plan.duplicates import find_duplicates
from training.plan.expectations import expect_count
from training.plan.hashing import hash_picture, make_thumbnail
from training.plan.plan import make_plan
from training.plan.probe import Measurement, run_probe
from training.plan.words import describe_plan
from training.presets import find_preset
from training.shape import PictureShape


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))


def draw_picture(seed, size=(96, 72)):
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "my pictures"
    for part, name, first, count in (
        ("train", "cat", 0, 12), ("train", "dog", 100, 4), ("test", "dog", 200, 2),
    ):  # fmt: skip
        (path / part / name).mkdir(parents=True)
        for seed in range(first, first + count):
            draw_picture(seed).save(path / part / name / f"{seed}.png")
    return path


def plan(source, *settings, preset="modern", probed=False):
    return make_plan(
        str(source),
        preset=preset,
        settings=list(settings),
        data_folder=None,
        probed=probed,
        console=Console(file=io.StringIO()),
        store=FolderStore(REPOSITORY / "models"),
    )


def test_a_folder_is_looked_through_file_by_file(folder):
    (folder / "train" / "cat" / "cut.png").write_bytes((folder / "train/cat/0.png").read_bytes()[:99])
    (folder / "train" / "cat" / "a.heic").write_bytes(b"\x00\x00\x00\x18ftypheic")
    survey = plan(folder).survey
    assert (survey.count, survey.test_count, survey.classes) == (16, 2, {"cat": 12, "dog": 4})
    assert (survey.sides.smallest, survey.sides.median, survey.sides.largest) == (72, 72, 72)
    assert (survey.formats, survey.grey, survey.damaged_count) == ({"PNG": 18}, False, 2)
    assert any("a.heic (HEIC is not read" in line for line in survey.damaged)
    assert survey.duplicates.groups == 0


def test_copies_in_other_sizes_and_formats_are_found_across_parts_and_others_are_not(folder):
    draw_picture(0).resize((200, 150)).save(folder / "train" / "dog" / "copy.jpg", quality=80)
    draw_picture(200).save(folder / "train" / "cat" / "leak.webp", quality=80)
    duplicates = plan(folder).survey.duplicates
    assert (duplicates.pictures, duplicates.groups, duplicates.across_parts) == (2, 2, 1)
    named = {frozenset(names) for names in duplicates.examples}
    assert frozenset({"train/cat/0.png", "train/dog/copy.jpg"}) in named
    said = describe_plan(plan(folder))
    assert "near-duplicates: 2 could go (train/cat/0.png = train/dog/copy.jpg" in said
    assert "1 picture of the training part is in the test part too" in said


def test_a_hundred_thousand_hashes_are_compared_in_bounded_time_and_chains_are_one_group():
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 2**63, 100_000).tolist()
    hashes[5] = hashes[70_000] ^ 0b1011  # three bits off
    hashes[6] = hashes[5] ^ (0b11 << 40)
    hashes[7] = hashes[8] ^ ((1 << 50) - 1)
    thumbnails = np.zeros((100_000, 1, 1), np.uint8)
    found = find_duplicates([str(number) for number in range(100_000)], hashes, thumbnails, test_from=100_000)
    assert found.examples == (("5", "6", "70000"),)
    same = find_duplicates(["a"] * 3000, [7] * 3000, thumbnails[:3000], test_from=3000)
    assert (same.groups, same.pictures) == (1, 2999)


def test_pictures_alike_in_their_low_frequencies_alone_are_no_duplicates():
    pixels = np.asarray(draw_picture(1, (32, 32)))
    darker = (pixels // 2).astype(np.uint8)
    assert hash_picture(pixels).bit_count() == pytest.approx(32, abs=4)
    assert (hash_picture(pixels) ^ hash_picture(darker)).bit_count() <= 4
    thumbnails = np.stack([make_thumbnail(pixels), make_thumbnail(darker)])
    hashes = [hash_picture(pixels)] * 2
    assert find_duplicates(["a", "b"], hashes, thumbnails, test_from=2).groups == 0


def test_the_recipe_suits_the_pictures_and_says_why(folder):
    made = plan(folder)
    reasons = {reason.setting: reason for reason in made.recipe.reasons}
    assert (made.recipe.preset, reasons["size"].value, made.shape.size) == ("modern", "32", 32)
    assert "72 in the middle. They bear --set size=64" in reasons["size"].why
    assert reasons["residual"].value == "false"
    assert reasons["penalty"].why == "auto, by the side of the pictures, as R3GAN's gamma grows"
    automatic = [reason.why for reason in made.recipe.reasons if reason.why.startswith("auto, ")]
    assert len(automatic) == 10
    assert len({*automatic}) == 10
    assert int(reasons["epochs"].value) * 1 >= 8000  # an epoch is one batch
    assert made.command.startswith("ganymede train --preset modern --data 'folder:")
    assert made.looks == int(reasons["epochs"].value) * 16
    assert plan(folder, "size=64").shape.size == 64
    given = plan(folder, "size=32", "epochs=7", "held_out=0")
    assert given.recipe.settings == {"size": "32", "epochs": "7", "held_out": "0"}
    assert given.looks == 7 * 16
    with pytest.raises(ConfigurationError, match="Did you mean 'epochs'"):
        plan(folder, "epoch=7")
    with pytest.raises(DataError, match="is missing"):
        plan(folder / "nothing")


def test_a_grey_folder_of_small_pictures_is_planned_in_grey_at_their_size(tmp_path):
    for number in range(6):
        draw_picture(number, (40, 40)).convert("L").save(tmp_path / f"{number}.png")
    made = plan(tmp_path)
    assert (made.shape.size, made.shape.channels, made.survey.grey) == (32, 1, True)
    assert "no classes" in describe_plan(made)
    assert f"No release in {REPOSITORY / 'models'} carries weights to begin from" in describe_plan(made)


def test_transparency_and_what_keeps_it_are_told(tmp_path):
    for number in range(6):
        Image.new("RGBA", (40, 40), (9 * number, 0, 99, 128)).save(tmp_path / f"{number}.png")
    said = "6 pictures have transparency, which becomes white: --set channels=4 keeps it."
    assert said in describe_plan(plan(tmp_path))
    assert said not in describe_plan(plan(tmp_path, "channels=4"))


def test_an_alpha_that_is_opaque_everywhere_is_no_transparency(tmp_path):
    for index, mode in enumerate(["RGBA", "LA", "RGBA"]):
        draw_picture(index).convert(mode).save(tmp_path / f"{index}.png")
    seen_through = Image.new("P", (40, 40))
    seen_through.save(tmp_path / "palette.png", transparency=0)
    assert plan(f"folder:{tmp_path}").survey.transparent == 1


def test_the_line_that_begins_the_run_names_the_folder_of_the_data_too():
    made = make_plan(
        "fashion-mnist",
        preset="modern",
        settings=["epochs=2"],
        data_folder=DATA_FOLDER,
        probed=False,
        console=Console(file=io.StringIO()),
        store=FolderStore(REPOSITORY / "models"),
    )
    assert made.command == (
        f"ganymede train --preset modern --data fashion-mnist --data-folder {DATA_FOLDER} --set epochs=2"
    )


def test_networks_that_draw_another_size_than_the_pictures_have_are_given_one(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((6, 50, 50, 3), np.uint8))
    made = plan(tmp_path / "a.npz")
    assert (made.recipe.settings["size"], made.shape.size) == ("32", 32)
    assert "the networks draw no 50x50" in describe_plan(made)


def test_plan_plans_what_train_does_on_the_same_folder_and_says_where_it_is(folder):
    output = io.StringIO()
    made = make_plan(
        str(folder),
        preset="modern",
        settings=[],
        data_folder=None,
        probed=False,
        console=Console(file=output),
        store=FolderStore(REPOSITORY / "models"),
    )
    settings = find_preset("modern").defaults.model_copy(update={"held_out": 0.1})
    assert made.shape == load_pictures(f"folder:{folder}", None, "train", settings).shape
    assert "--set size" not in made.command
    assert output.getvalue().startswith(f"Looking through {folder} …\n")


def test_an_archive_is_planned_too(tmp_path):
    images = np.stack([np.asarray(draw_picture(seed, (28, 28))) for seed in range(10)])
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=np.arange(10) % 2, test_images=images[:2])
    made = plan(tmp_path / "a.npz")
    assert (made.survey.source, made.survey.count, made.survey.test_count) == (
        f"npz:{tmp_path / 'a.npz'}",
        10,
        2,
    )
    assert made.survey.classes == {"0": 5, "1": 5}
    assert made.survey.duplicates.across_parts == 2
    assert [pair[1] for pair in made.survey.duplicates.examples] == ["test number 0", "test number 1"]
    assert made.shape.size == 28


def test_what_it_takes_is_the_probes_rate_and_elsewhere_a_ratio_that_says_so(folder, monkeypatch):
    probe = Measurement(device="2 cores", steps=9, images_per_s=100.0, peak_bytes=3 * 10**9, speed=2.0)
    monkeypatch.setattr(planning, "run_probe", lambda *_: probe)
    made = plan(folder, "epochs=22500", probed=True)
    assert made.hours_here == 1.0
    assert made.memory_gb == 3.0
    costs = {cost.instance: cost for cost in made.costs}
    assert costs["ml.c5.4xlarge"].hours == 0.25
    assert costs["ml.c5.4xlarge"].usd == pytest.approx(0.25 * 0.816, abs=0.01)
    assert costs["g5.xlarge"].hours < 0.1
    said = describe_plan(made)
    assert "here: 1 h 0 min at 100 images/s on 2 cores (timed on 9 batches)" in said
    assert "EC2 g5.xlarge (NVIDIA A10G): about" in said
    assert "No instance was measured." in said
    assert "2026" in said
    unknown = probe.model_copy(update={"speed": 0.0})
    monkeypatch.setattr(planning, "run_probe", lambda *_: unknown)
    assert plan(folder, probed=True).costs == ()


def test_the_table_is_whole_and_an_instance_with_too_little_memory_is_said():
    table = read_table()
    assert {instance.service for instance in table.instances} == {"EC2", "SageMaker"}
    assert all(instance.speed(64) > 0 and instance.usd_per_hour > 0 for instance in table.instances)
    assert table.date
    assert "not fetched" in table.source
    costs = estimate_costs(table, hours_here=1, speed_here=1, size=64, memory_gb=20)
    assert {cost.instance: cost.fits for cost in costs}["g4dn.xlarge"] is False
    card = Instance(name="x", service="EC2", usd_per_hour=1, memory_gb=1, gpu="y", float32_tflops=8.0)
    assert card.speed(32) == card.speed(64) / 2


def test_a_probe_that_has_no_time_says_so_and_leaves_no_process_behind():
    import multiprocessing

    found = run_probe(find_preset("modern").defaults, PictureShape(size=64, channels=3), limit_s=0.5)
    assert (found.steps, found.images_per_s) == (0, 0.0)
    assert "no batch was done within" in found.reason
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 picture is too few"),
        (50, "too few"),
        (500, "are few"),
        (3000, "a small set"),
        (50_000, "are enough"),
    ],
)
def test_what_to_expect_of_so_many_pictures(count, words):
    assert words in expect_count(count)


def test_the_command_prints_words_or_json(folder):
    outcome = CliRunner().invoke(app, ["plan", str(folder), "--no-probe", "--json"])
    assert outcome.exit_code == 0, outcome.output
    made = json.loads(outcome.stdout)
    assert made["survey"]["classes"] == {"cat": 12, "dog": 4}
    assert made["hours_here"] is None
    outcome = CliRunner().invoke(app, ["plan", str(folder), "--no-probe"])
    for words in ("Pictures\n", "Recipe\n", "What it takes\n", "What to expect\n", "Begin\n", "--no-probe"):
        assert words in outcome.stdout


def test_without_tensorflow_all_but_the_probe_is_there(folder):
    """The libraries of the training extra are as if they were not installed."""
    blocked = (
        "import importlib.abc, sys\n"
        "class Blocked(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('tensorflow', 'keras', 'boto3', 'matplotlib', 'jinja2'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'tensorflow' else found(name, package)\n"
        "from ganymede.command import main\n"
        f"sys.argv = ['ganymede', 'plan', {str(folder)!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "16 to train on" in done.stdout
    assert "time: not known, TensorFlow is not installed" in done.stdout
