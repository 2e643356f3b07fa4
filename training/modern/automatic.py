"""What `auto` stands for in the settings of `modern`: by the pictures' size and number, and what they show.

Each choice is a function of the configuration so far, in the order of the table at the end.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from training.modern.configuration import AUTO, ModernConfiguration
from training.modern.sizes import PLANS, choose_penalty, find_plan
from training.networks.probability import SMALL_SET_IMAGES, choose_probability
from training.preset import PictureSet

COUNTS = ("width", "epochs", "batch_size", "checkpoint_epochs", "sample_epochs")
"""Settings whose `auto` is 0."""
CLASSIFIER_IMAGES = 20_000
"""So many pictures teach a classifier enough in four epochs; of fewer it sees them for longer."""
CLASSIFIER_EPOCHS, CLASSIFIER_SHARE = 4, 1 / 12
WIDTH, PROCESSOR_WIDTH = 128, 64
"""Half the channels see 2.7 times as many pictures in the same time on two cores at 64x64, and after four
minutes they have learnt more of them. A GPU has time for all."""
CHECKPOINTS, SAMPLES = 100, 50
"""Of a whole run, at most."""
SAMPLED_IMAGES = 2_000
"""So many looks at least lie between two grids: before one is drawn the average is calibrated, which takes a
processor as long as some 700 looks at 32x32."""
AVERAGED_IMAGES = 32_000
"""The average is over about so many pictures: 500 batches of 64, as it was measured at 28x28."""


def choose_residual(_: ModernConfiguration, pictures: PictureSet) -> bool:
    """Return whether the networks are residual: those for 28 and 32 pixels were measured, and are not."""
    return find_plan(pictures.shape).residual or pictures.shape.height != pictures.shape.width


def choose_width(configuration: ModernConfiguration, pictures: PictureSet) -> int:
    """Return the channels of the smallest features: what the device has time for."""
    narrow = configuration.residual is True and not pictures.on_gpu()
    return PROCESSOR_WIDTH if narrow else WIDTH


def choose_batch_size(_: ModernConfiguration, pictures: PictureSet) -> int:
    """Return the batch for the size, or the set where that is smaller."""
    return max(2, min(find_plan(pictures.shape).batch_size, pictures.count))


def choose_epochs(_: ModernConfiguration, pictures: PictureSet) -> int:
    """Return how many epochs give each size its looks."""
    return max(1, round(find_plan(pictures.shape).images / pictures.count))


def choose_checkpoint_epochs(configuration: ModernConfiguration, _: PictureSet) -> int:
    """Return after how many epochs a checkpoint is written: after each of a run of few."""
    return -(-configuration.epochs // CHECKPOINTS)


def choose_sample_epochs(configuration: ModernConfiguration, pictures: PictureSet) -> int:
    """Return after how many epochs a grid is drawn, which takes as long as many steps."""
    seldom = min(configuration.epochs, -(-SAMPLED_IMAGES // pictures.count))
    return max(-(-configuration.epochs // SAMPLES), seldom)


def choose_learning_rate(configuration: ModernConfiguration, pictures: PictureSet) -> float:
    """Return the rate for the size; plain networks have one."""
    return (find_plan(pictures.shape) if configuration.residual is True else PLANS[0]).learning_rate


def choose_gamma(_: ModernConfiguration, pictures: PictureSet) -> float:
    """Return the weight of the penalty for the longer side."""
    return choose_penalty(pictures.shape.size)


def choose_average_decay(configuration: ModernConfiguration, _: PictureSet) -> float:
    """Return the decay that averages over `AVERAGED_IMAGES`."""
    return 1.0 - min(0.5, configuration.batch_size / AVERAGED_IMAGES)


def choose_classifier_epochs(configuration: ModernConfiguration, pictures: PictureSet) -> int:
    """Return four, or a twelfth of the run where four epochs are few pictures."""
    if pictures.count >= CLASSIFIER_IMAGES:
        return CLASSIFIER_EPOCHS
    return max(CLASSIFIER_EPOCHS, round(configuration.epochs * CLASSIFIER_SHARE))


def choose_augmentation(configuration: ModernConfiguration, pictures: PictureSet) -> float | str:
    """Return none for a large set; else what was measured for plain networks, or what adapts itself."""
    probability = choose_probability(pictures.count)
    return "adaptive" if configuration.residual is True and probability else probability


def choose_mirror(configuration: ModernConfiguration, pictures: PictureSet) -> bool:
    """Return whether pictures may be mirrored, looking at them only where that is done at all."""
    return configuration.augmentation == "adaptive" and pictures.bears_mirror()


CHOICES: Mapping[str, Callable[[ModernConfiguration, PictureSet], object]] = MappingProxyType(
    {
        "residual": choose_residual,
        "width": choose_width,
        "batch_size": choose_batch_size,
        "epochs": choose_epochs,
        "checkpoint_epochs": choose_checkpoint_epochs,
        "sample_epochs": choose_sample_epochs,
        "learning_rate": choose_learning_rate,
        "penalty": choose_gamma,
        "average_decay": choose_average_decay,
        "classifier_epochs": choose_classifier_epochs,
        "augmentation": choose_augmentation,
        "mirror": choose_mirror,
    }
)


REASONS: Mapping[str, str] = MappingProxyType(
    {
        "residual": "residual above 32 pixels a side and for rectangles; plain networks were measured below",
        "batch_size": "by the side of the pictures, and no more than there are",
        "epochs": "as many as give this size the looks that reasonable pictures take",
        "checkpoint_epochs": f"at most {CHECKPOINTS} checkpoints in a run",
        "sample_epochs": f"at most {SAMPLES} grids in a run, {SAMPLED_IMAGES:,} looks apart",
        "learning_rate": "by the side of the pictures: larger ones take smaller steps",
        "penalty": "by the side of the pictures, as R3GAN's gamma grows",
        "average_decay": f"averages the weights over {AVERAGED_IMAGES:,} pictures",
        "classifier_epochs": f"{CLASSIFIER_EPOCHS}, or a twelfth of a run on fewer than "
        f"{CLASSIFIER_IMAGES:,} pictures",
        "augmentation": f"fewer than {SMALL_SET_IMAGES:,} pictures are changed before they are judged, so "
        "that they are not learnt by heart",
    }
)
"""Why each is as it is."""


def is_open(configuration: ModernConfiguration, field: str) -> bool:
    """Say whether a setting is still to be chosen."""
    value = getattr(configuration, field)
    return bool(value == (AUTO if field in COUNTS else "auto"))


def choose_settings(configuration: ModernConfiguration, pictures: PictureSet) -> Mapping[str, object]:
    """Return what each setting that is `auto` is to be for these pictures."""
    chosen: dict[str, object] = {}
    for field in (field for field in CHOICES if is_open(configuration, field)):
        chosen[field] = CHOICES[field](configuration.model_copy(update=chosen), pictures)
    return chosen
