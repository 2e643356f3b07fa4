import re
from pathlib import Path

import pytest

from training.config import override
from training.errors import ConfigurationError
from training.presets import PRESETS, any_configuration, find_preset


def test_dcgan_has_the_settings_of_the_tutorial():
    preset = find_preset("dcgan").defaults
    assert (preset.buffer_size, preset.batch_size, preset.epochs) == (60_000, 256, 50)
    assert (preset.latent_size, preset.learning_rate) == (100, 1e-4)
    assert (preset.beta_1, preset.beta_2) == (0.9, 0.999)


def test_an_override_takes_the_type_of_its_field():
    changed = override(
        PRESETS["dcgan"].defaults, ["batch_size=128", "learning_rate = 2e-4", "precision=float32"]
    )
    assert (changed.batch_size, changed.learning_rate, changed.precision) == (128, 2e-4, "float32")
    assert PRESETS["dcgan"].defaults.batch_size == 256


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("batchsize=1", "Did you mean 'batch_size'?"),
        ("xyzzy=1", "preset, data, seed"),
        ("epochs", "'epochs' is not of the form key=value."),
        ("epochs=none", "epochs=none: it must be a whole number."),
        ("epochs=0", "epochs=0: it must be at least 1."),
        ("beta_1=nan", "beta_1=nan: it must be a finite number."),
        ("precision=float8", "precision=float8: it must be auto, float32, mixed_bfloat16 or mixed_float16."),
        ("epochs=2.5", "epochs=2.5: it must be a whole number."),
        ("learning_rate=fast", "learning_rate=fast: it must be a number."),
        ("learning_rate=0", "learning_rate=0: it must be more than 0.0."),
        ("batch_size=70000", "batch_size=70000: it must be at most 65536."),
        ("preset=modern", "The preset is chosen by --preset"),
    ],
)
def test_a_wrong_override_says_what_to_write(assignment, words):
    with pytest.raises(ConfigurationError) as refusal:
        override(PRESETS["dcgan"].defaults, [assignment])
    assert words in str(refusal.value)


def test_a_value_of_neither_kind_is_told_of_both_in_one_sentence():
    words = r"^augmentation=7: it must be at most 1\.0, or auto or adaptive\.$"
    with pytest.raises(ConfigurationError, match=words):
        override(PRESETS["modern"].defaults, ["augmentation=7"])


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigurationError, match=r"no preset 'dcgn'\. Did you mean 'dcgan'\?"):
        find_preset("dcgn")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_is_read_back_as_it_was_written(preset):
    changed = override(PRESETS[preset].defaults, ["seed=7", "held_out=0.25"])
    assert any_configuration().validate_json(changed.model_dump_json()) == changed


def test_each_preset_has_settings_of_its_own():
    assert override(PRESETS["modern"].defaults, ["penalty=0.1"]).penalty == 0.1
    assert override(PRESETS["modern"].defaults, ["channels=1"]).channels == 1
    with pytest.raises(ConfigurationError, match="There is no setting 'penalty'"):
        override(PRESETS["dcgan"].defaults, ["penalty=0.1"])


def test_make_train_sets_nothing_that_the_preset_does_not_have():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text().replace("\\\n", " ")
    recipes = re.findall(r"^RECIPE_(\w+) := (.*)$", makefile, re.MULTILINE)
    assert [name for name, _ in recipes] == ["fashion", "emoji"]
    for _, recipe in recipes:
        override(PRESETS["modern"].defaults, re.findall(r"--set (\S+)", recipe))
