import numpy as np
import pytest

from training.checkpoints import Checkpoints
from training.dcgan.gan import DCGAN
from training.errors import NotFiniteError, RunError


def test_checkpoints_are_bounded_in_number(tmp_path, small_configuration):
    gan = DCGAN(small_configuration, "float32")
    checkpoints = Checkpoints(tmp_path, gan, kept=2)
    assert not checkpoints.restore()
    for step in (1, 2, 3):
        gan.step.assign(step)
        checkpoints.save(step)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]
    assert checkpoints.restore(step=2)
    assert int(gan.step) == 2
    with pytest.raises(RunError, match=r"no checkpoint of batch 1.*There are: 2, 3\."):
        checkpoints.restore(step=1)


def test_a_damaged_checkpoint_is_named(tmp_path, small_configuration):
    gan = DCGAN(small_configuration, "float32")
    path = Checkpoints(tmp_path, gan, kept=2).save(5)
    (tmp_path / "ckpt-5.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(RunError, match=r"ckpt-5 cannot be restored"):
        Checkpoints(tmp_path, gan, kept=2).restore()
    assert path.endswith("ckpt-5")


def test_weights_that_are_no_numbers_are_not_saved_over_good_ones(small_configuration, tmp_path):
    gan = DCGAN(small_configuration, "float32")
    checkpoints = Checkpoints(tmp_path, gan, kept=1)
    checkpoints.save(1)
    gan.discriminator.trainable_variables[0].assign_add(gan.discriminator.trainable_variables[0] * np.nan)
    with pytest.raises(NotFiniteError, match=r"Weights of the discriminator .* batch 2\."):
        checkpoints.save(2)
    assert checkpoints.newest.endswith("ckpt-1")
