"""What a run says of itself, on clocks and curves made up here."""

import io
import queue
import threading

import numpy as np
import pytest
from rich.console import Console

from tests.patience import PATIENCE_S
from tests.training.conftest import describe_small_run, train_quietly
from tests.training.run_folders import describe_epoch, make_run
from training import activity
from training.config import override
from training.data import Pictures
from training.errors import ConfigurationError, RunError
from training.evaluation.few import explain_few
from training.launch import introduction
from training.launch.choices import require_figure
from training.launch.gpus import Card, Inspection
from training.presets import find_preset
from training.report import write_report
from training.run.folder import Run
from training.run.health import measure_memory
from training.run.meter import Compilation
from training.run.pace import Pace
from training.run.patience import explain_end
from training.run.progress import Bar, training_progress
from training.run.real import write_real
from training.run.signs import find_signs
from training.run.stats import EpochPart
from training.run.voice import Voice
from training.shape import FASHION_MNIST_SHAPE, PictureShape


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def test_the_rest_is_known_after_some_batches_and_follows_a_machine_that_grows_slower():
    clock = Clock()
    pace = Pace(clock)
    pace.mark(1)  # the first batch, on which an hour of compiling was spent, counts for nothing
    assert pace.seconds_left(1000) is None
    for step in range(2, 102):
        clock.now_s += 1.0
        pace.mark(step)
    assert pace.seconds_left(1101) == pytest.approx(1000)
    for step in range(102, 2002):
        clock.now_s += 3.0
        pace.mark(step)
    assert pace.seconds_left(3001) == pytest.approx(3000, rel=0.05)


def speak(console_options, steps, seconds_a_step, images=64):
    clock, output = Clock(), io.StringIO()
    console = Console(file=output, width=300, **console_options)
    voice = Voice(console, epochs=10, total_steps=steps, peak_bytes=lambda: 1_300_000_000, clock=clock)
    for step in range(1, steps + 1):
        clock.now_s += seconds_a_step
        part = EpochPart(
            step=step, batches=step, images=step * images, seconds=clock.now_s, loss_sums=(step, step / 2)
        )
        voice.follow(1 + step * 10 // steps, part)
    return output.getvalue().splitlines()


def test_the_estimate_is_said_once_and_off_a_terminal_a_line_now_and_then():
    lines = speak({}, 3600, 1.0)
    assert lines[0].startswith("time: about 1 h 0 min for what is left of 10 epochs at 64 images/s")
    assert "memory: 1.3 GB (measured on the first" in lines[0]
    assert 20 < len(lines) < 60
    assert "epoch 1/10  batch 66 of 3,600 (2 %)  64 images/s  generator loss 1.000" in lines[1]
    assert "about 59 min left" in lines[1]
    assert len(speak({"force_terminal": True}, 3600, 1.0)) == 1


def test_a_run_of_ten_days_says_fewer_than_two_hundred_lines():
    assert len(speak({}, 10_000, 86.4)) < 200


def test_the_introduction_names_pictures_classes_device_and_memory(monkeypatch):
    monkeypatch.setattr(introduction, "inspect_gpus", Inspection)
    monkeypatch.setattr(introduction, "count_cores", lambda: 2)
    monkeypatch.setattr(introduction, "processor_name", lambda: "AMD EPYC")
    monkeypatch.setattr(introduction, "has_fast_bfloat16", lambda: False)
    labels = np.repeat(np.arange(10), [4, *[1] * 9])
    pictures = Pictures(np.zeros((13, 28, 28, 1), np.uint8), labels, FASHION_MNIST_SHAPE)
    output = io.StringIO()
    configuration = override(find_preset("modern").defaults, ["precision=float32", "data=folder:[b]"])
    introduction.introduce(configuration, pictures, 1, Console(file=output, width=60))
    first, second, third = output.getvalue().splitlines()
    assert first.startswith("pictures: 13 of folder:[b], 28x28 grey, 10 classes: t-shirt 4, trouser 1, ")
    assert second == "training on: 2 cores of AMD EPYC, float32, no bf16"
    assert third.startswith("memory: about 1.0 GB of ")
    card = Card("NVIDIA A10G", 24_000_000_000, (8, 6))
    monkeypatch.setattr(introduction, "inspect_gpus", lambda: Inspection(cards=(card, card), found=2))
    assert introduction.describe_device(configuration) == ("2 × NVIDIA A10G, 24 GB, capability 8.6, float32")


def test_many_classes_are_not_all_named():
    shape = PictureShape(size=8, channels=3, class_names=tuple(f"c{number}" for number in range(40)))
    pictures = Pictures(np.zeros((40, 8, 8, 3), np.uint8), np.arange(40), shape)
    said = introduction.describe_pictures(find_preset("modern").defaults, pictures)
    assert said.endswith("c11 1 and 28 more")


def test_a_refused_configuration_names_what_differs(tmp_path):
    run = make_run(tmp_path / "run")
    stored = run.read_configuration()
    with pytest.raises(RunError) as refusal:
        run.require_same(override(stored, ["batch_size=32", "seed=4", "epochs=99"]), FASHION_MNIST_SHAPE)
    assert "holds another configuration: seed (0 there → 4 here), batch_size (64 there → 32 here). " in str(
        refusal.value
    )
    with pytest.raises(RunError, match=r"preset \(modern there → dcgan here\)"):
        run.require_same(find_preset("dcgan").defaults, FASHION_MNIST_SHAPE)
    with pytest.raises(
        RunError, match=r"height \(28 there → 32 here\), width \(28 there → 32 here\), channels \(1 there → 3"
    ):
        run.require_same(
            stored, FASHION_MNIST_SHAPE.model_copy(update={"height": 32, "width": 32, "channels": 3})
        )


def test_real_pictures_stand_in_the_report_row_by_row(tmp_path):
    run = make_run(tmp_path / "run")
    labels = np.arange(60) % 10
    images = np.broadcast_to(labels[:, None, None, None] * 20 + 20, (60, 28, 28, 1)).astype(np.uint8)
    write_real(run.real_path, images, labels, 10)
    text = write_report(run.folder).read_text()
    assert "Real pictures, laid out alike" in text
    assert "from the top: t-shirt, trouser" in text
    from PIL import Image

    with Image.open(run.real_path) as grid:
        pixels = np.asarray(grid)
    cell = 2 * 29
    for row in range(10):
        shown = {int(pixels[row * cell + 20, column * cell + 20]) for column in range(10)}
        assert shown == {0, 20 * row + 20}  # six pictures, and four places that stay blank


DISTANCE = "fd_efficientnet_lite0_1k_train"


def curve(**changes):
    """Ten healthy epochs, with some fields of the last ones changed."""
    rows = [
        describe_epoch(epoch).model_copy(
            update={"generator_loss": 0.8, "discriminator_loss": 0.6, "variety": 0.9, "memory": 0.2}
        )
        for epoch in range(1, 11)
    ]
    for name, values in changes.items():
        for row, value in zip(range(10 - len(values), 10), values, strict=True):
            rows[row] = rows[row].model_copy(update={name: value})
    return rows


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variety": [0.3, 0.2, 0.1]}, "The drawings grow alike since epoch 8: they differ 0.10 times"),
        (
            {"generator_loss": [9, 10, 12], "discriminator_loss": [0.01] * 3},
            "The discriminator has won since",
        ),
        ({"discriminator_loss": [9, 10, 12], "generator_loss": [0.01] * 3}, "The generator has won since"),
        (
            {"generator_loss": [15.5, 12.1, 6.3], "discriminator_loss": [39.5, 20.3, 17]},
            "Both networks lose since epoch 8: the generator's loss is 6.3, the discriminator's 17",
        ),
        (
            {"spread": [0.9, 0.9, 0.2, 0.2, 0.1]},
            "The drawings grow alike since epoch 8: they differ 0.10 times",
        ),
        (
            {"figures": [{DISTANCE: value} for value in (9, 4, 7, 7, 8)]},
            f"The drawings get worse since epoch 8: {DISTANCE} is 8, and was 4 after epoch 7",
        ),
        ({"memory": [0.7, 0.8, 0.9]}, "The discriminator knows the pictures by heart since epoch 8"),
    ],
)
def test_what_goes_wrong_is_noticed_with_what_to_do(changes, words):
    (sign,) = find_signs(curve(**changes))
    assert str(sign).startswith(words)
    assert len(sign.advice) > 40


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"variety": [0.9, 0.9, 0.1]},  # once is no sign
        {"variety": [0.1] * 10},  # it was never better: the run is young
        {"generator_loss": [6.0] * 3},
        {"spread": [0.9] * 5, "variety": [0.9, 0.2, 0.2, 0.1]},  # features go before pixels
        {"figures": [{DISTANCE: value} for value in (9, 4, 7, 5, 8)]},
        {"figures": [{"recall_s_60": value} for value in (0.1, 0.4, 0.8, 0.9, 0.9)]},
        {"memory": [0.2, 0.9, 0.9]},
        {"memory": [None] * 10, "variety": [None] * 10},
    ],
)
def test_a_healthy_run_is_not_cried_over(changes):
    assert find_signs(curve(**changes)) == []


def test_a_distance_that_still_falls_is_not_said_to_be_the_end_of_what_can_be_learnt():
    (sign,) = find_signs(curve(memory=[0.7, 0.8, 0.9]))  # its figure gets ever better
    assert sign.advice.startswith("The distance still falls, but perhaps by copies")
    falls = [{DISTANCE: value} for value in (9, 4, 5, 5, 5)]
    (sign,) = find_signs(curve(memory=[0.7, 0.8, 0.9], figures=falls))
    assert sign.advice.startswith("The best checkpoint is kept and more epochs will hardly help")


def test_what_a_dozen_held_out_pictures_show_by_chance_is_no_memory():
    random = np.random.default_rng(0)
    training, drawn = random.normal(1.0, 1.0, 128), random.normal(-1.0, 1.0, 128)
    assert measure_memory(training, random.normal(0.7, 1.0, 12), drawn) == 0.0
    assert measure_memory(training, np.repeat(drawn, 2), drawn) == pytest.approx(1.0)
    assert measure_memory(training, random.normal(0.0, 1.0, 128), drawn) == pytest.approx(0.5, abs=0.15)
    assert measure_memory(training, drawn, training) == 0.0


def test_between_epochs_a_run_says_what_it_does_and_the_longer_it_lasts_the_less(monkeypatch):
    monkeypatch.setattr(activity, "SILENT_S", 0.001)
    clock, said = Clock(), queue.Queue()
    console = Console(file=io.StringIO())
    voice = Voice(console, epochs=3, total_steps=30, peak_bytes=lambda: 0, clock=clock)
    monkeypatch.setattr(voice, "say", said.put)
    with training_progress(console) as progress:
        bar = Bar(progress, 0, 3, 10, voice)
        with bar.doing("After epoch 1") as turn:
            turn("After epoch 1: saving a checkpoint")
            while said.get(timeout=PATIENCE_S) != "After epoch 1: saving a checkpoint …":
                pass
        clock.now_s = 1e9
        with bar.doing("After epoch 2"):
            threading.Event().wait(0.1)  # a hundred times as long as the first was silent
            assert said.empty()
    assert voice.silent_s > 1e6


def test_the_lines_of_nine_thousand_short_epochs_are_fewer_than_two_hundred():
    clock, lines = Clock(), 0
    voice = Voice(
        Console(file=io.StringIO()), epochs=9000, total_steps=9000, peak_bytes=lambda: 0, clock=clock
    )
    for epoch in range(9000):
        clock.now_s += 2.0
        if voice.tells_epoch():
            lines += 1
            voice.say(f"epoch {epoch}")
    assert 20 < lines < 200


def test_patience_ends_a_run_whose_figure_no_longer_improves():
    rows = [describe_epoch(epoch) for epoch in range(1, 21)]  # a figure every other epoch, ever better
    assert explain_end(rows, 3) == ""
    figure = "fd_fashion_cnn_5k_train"
    rows = [row.model_copy(update={"figures": {figure: 2.0} if row.figures else {}}) for row in rows]
    assert explain_end(rows, 0) == ""
    assert explain_end(rows, 19) == ""
    assert "Ended after epoch 20: fd_fashion_cnn_5k_train has not become better than 2, of epoch 2" in (
        explain_end(rows, 18)
    )
    assert explain_end(rows[:1], 1) == ""


def test_patience_without_a_figure_is_refused():
    with pytest.raises(ConfigurationError, match="patience=3 ends a run by its figure"):
        require_figure(override(find_preset("modern").defaults, ["patience=3"]), None)


def test_a_real_run_speaks_measures_its_health_and_ends_by_patience(tmp_path):
    """At a rate this small the distance, of sixty pictures, gets better by chance alone."""
    settings = [
        "epochs=40",
        "evaluation_epochs=1",
        "evaluation_images=60",
        "patience=1",
        "sample_epochs=40",
        "learning_rate=1e-9",
    ]
    output = io.StringIO()
    outcome = train_quietly(
        override(describe_small_run(), [*settings, "batch_size=300", "buffer_size=1"]),
        tmp_path / "run",
        console=Console(file=output, width=300),
        speaks=True,
    )
    run, said = Run(tmp_path / "run"), output.getvalue()
    assert not outcome.interrupted
    stats = run.read_stats()
    assert len(stats) < 40
    assert f"Ended after epoch {len(stats)}: fd_fashion_cnn_60_train has not become better" in said
    for line in ("pictures: 600 of fashion-mnist, 28x28 grey, 10 classes", "training on: ", "memory: about "):
        assert line in said
    assert all(0 < row.variety < 1 and -1 <= row.memory <= 1 for row in stats)
    assert run.real_path.exists()
    assert "Real pictures" in run.report_path.read_text()


def test_what_was_spent_on_compiling_is_in_no_speed_and_the_estimate_begins_anew():
    part = EpochPart(step=3, batches=3, images=36, seconds=68.0, compiled_images=20, compiled_seconds=66.0)
    assert part.images_per_s == pytest.approx(8.0)
    assert EpochPart(step=1, images=9, seconds=9, compiled_images=9, compiled_seconds=9).images_per_s is None
    spoken: list[str] = []
    compilation = Compilation(spoken.append)
    assert [compilation.is_due(images) for images in (16, 16, 4, 16, 4)] == [True, False, True, False, False]
    assert [line.partition(",")[0] for line in spoken] == [
        "Compiling the training step: about a minute",
        "Compiling it once more",
    ]
    clock, output = Clock(), io.StringIO()
    voice = Voice(Console(file=output), epochs=2, total_steps=40, peak_bytes=lambda: 10**9, clock=clock)
    for step in range(1, 21):
        compiles = step in (1, 5)
        clock.now_s += 60.0 if compiles else 1.0
        spent = 60.0 if step < 5 else 120.0
        voice.follow(
            1, EpochPart(step=step, batches=step, images=step, seconds=clock.now_s, compiled_seconds=spent)
        )
    assert "at 1 images/s" in " ".join(output.getvalue().split())
    assert voice.pace.seconds_left(40) == pytest.approx(20.0)


def test_too_few_pictures_to_compare_with_are_told_what_to_set_or_add():
    configuration = override(find_preset("modern").defaults, ["data=folder:pics"])

    def say(learnt, kept):
        shape = PictureShape(size=8, channels=1)
        sets = [Pictures(np.zeros((n, 8, 8, 1), np.uint8), np.zeros(n), shape) for n in (learnt, kept)]
        return explain_few(configuration, *sets)

    assert say(36, 5) == ""
    assert "keeps 4 of its 40 pictures from training (held_out=0.1)" in say(36, 4)
    assert "Train with --set held_out=0.13, with more pictures" in say(36, 4)
    assert say(5, 1).endswith("pictures. Add pictures to it.") or "held_out=0," in say(5, 1)
    assert "test part of 'folder:pics' has 2 pictures" in say(500, 2)
