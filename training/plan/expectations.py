"""What to expect of a run on a set: what is too little, too uneven or too much, and what to do about it."""

from foundation.store import Store
from training.config import Configuration
from training.evaluation.few import advise_share
from training.export.origins import advise_origins, find_origins
from training.metrics import MIN_IMAGES
from training.plan.counts import count_are, count_of
from training.plan.recipe import count_trained, describe_set
from training.plan.survey import Survey
from training.presets import find_preset
from training.shape import PictureShape

FEW, SMALL, GOOD = 200, 1_000, 5_000
FEW_IN_CLASS = 50
UNEVEN = 10
MANY_DUPLICATES = 0.05
MANY_DAMAGED = 0.05
LONG_H = 24.0
CLASSES_NAMED = 8


def expect(
    survey: Survey, configuration: Configuration, shape: PictureShape, hours: float | None, store: Store
) -> tuple[str, ...]:
    """Return what should be known before a run is begun, a sentence or two each.

    Where pictures are few, releases of `store` are named that a run may begin from.
    """
    trained = count_trained(survey, configuration)
    length = find_preset(configuration.preset).advise_length(
        configuration, describe_set(survey, configuration)
    )
    sentences = [expect_count(trained), *([length] if length else [])]
    if trained < SMALL:
        origins = find_origins(store, configuration.preset)
        sentences.append(f"{advise_origins(origins, store.location)} Short runs gained nothing by it yet.")
    others = survey.test_count or survey.count - trained or survey.count
    if others < MIN_IMAGES:
        sentences.append(expect_others(survey, others))
    small = [name for name, count in survey.classes.items() if count < FEW_IN_CLASS]
    if small:
        named = ", ".join(f"{name} ({survey.classes[name]})" for name in small[:CLASSES_NAMED])
        more = f" and {len(small) - CLASSES_NAMED} more" if len(small) > CLASSES_NAMED else ""
        sentences.append(
            f"Classes with fewer than {FEW_IN_CLASS} pictures will be copied rather than learnt: "
            f"{named}{more}. Join them with others, or add pictures."
        )
    if survey.classes and max(survey.classes.values()) > UNEVEN * max(1, min(survey.classes.values())):
        sentences.append(
            f"The largest class has more than {UNEVEN} times the pictures of the smallest: the small ones "
            "will be drawn worse."
        )
    sentences += expect_files(survey, configuration)
    if survey.sides.median < shape.size:
        sentences.append(
            f"Half of the pictures are smaller than {shape.size} pixels and will be enlarged: they look "
            "soft, and so will what is drawn."
        )
    if hours is not None and hours > LONG_H:
        sentences.append(
            f"{hours:.0f} hours here are long: a GPU or a smaller size takes less. A "
            "run that is stopped goes on where it was."
        )
    return tuple(sentences)


def expect_files(survey: Survey, configuration: Configuration) -> list[str]:
    """Return what follows from what the files hold, and from those that hold nothing or the same."""
    sentences: list[str] = []
    if survey.transparent and not configuration.channels:
        sentences.append(
            f"{count_of(survey.transparent, 'picture')} {'has' if survey.transparent == 1 else 'have'} "
            "transparency, which becomes white: --set channels=4 keeps it."
        )
    duplicates = survey.duplicates
    if duplicates.pictures > MANY_DUPLICATES * survey.count:
        sentences.append(
            f"{count_are(duplicates.pictures, 'picture')} nearly the same as others: what is there more than "
            "once is drawn more often, and the set is smaller than it looks. Take them out."
        )
    if duplicates.across_parts:
        sentences.append(
            f"{count_of(duplicates.across_parts, 'picture')} of the training part "
            f"{'is' if duplicates.across_parts == 1 else 'are'} in the test part too: figures will look "
            "better than they are."
        )
    if survey.damaged_count > MANY_DAMAGED * survey.count:
        left_out = count_are(survey.damaged_count, "file")
        sentences.append(f"{left_out} left out: see above whether that was meant.")
    return sentences


def expect_others(survey: Survey, others: int) -> str:
    """Return what follows from so few pictures to compare drawings with."""
    said = f"ganymede evaluate needs {MIN_IMAGES} pictures to compare with, and there will be {others}."
    return f"{said} {'Add some to the test part.' if survey.test_count else advise_share(survey.count)}"


def expect_count(count: int) -> str:
    """Return what so many pictures are enough for."""
    counted = count_are(count, "picture")
    if count < FEW:
        return f"{counted} too few to learn from nothing: what is drawn will be copies of them. Add pictures."
    if count < SMALL:
        return f"{counted} few: expect variations of them more than new ones."
    if count < GOOD:
        return f"{counted} a small set: they are changed before they are judged, and that helps."
    return f"{counted} enough for this size."
