"""A plan in words, for a person."""

from collections.abc import Iterator

from training.plan.counts import count_are
from training.plan.plan import Plan
from training.plan.survey import Survey
from training.preset import describe_shape
from training.run.durations import describe_duration

CLASSES_SHOWN = 12


def describe_plan(plan: Plan) -> str:
    """Return the plan as lines under headings."""
    sections = (
        ("Pictures", describe_survey(plan.survey, plan.trained)),
        ("Recipe", describe_recipe(plan)),
        ("What it takes", describe_cost(plan)),
        ("What to expect", plan.expectations),
        ("Begin", (plan.command,)),
    )
    return "\n".join("\n".join((title, *(f"  {line}" for line in lines), "")) for title, lines in sections)


def describe_survey(survey: Survey, trained: int) -> Iterator[str]:
    """Yield what is in the set, of which so many are trained on."""
    formats = ", ".join(f"{count:,} {name}" for name, count in survey.formats.items())
    sides = survey.sides
    yield (
        f"{survey.count:,} to train on"
        + (f", {survey.test_count:,} in a test part" if survey.test_count else "")
        + f" ({formats}), {'grey' if survey.grey else 'colour'}"
        + (f", {survey.transparent:,} with transparency" if survey.transparent else "")
    )
    if trained < survey.count:
        yield (
            f"held out of these: {survey.count - trained:,}, for ganymede evaluate to compare with; "
            f"{trained:,} are learnt from (--set held_out=0 learns from all)"
        )
    yield f"shorter sides {sides.smallest} to {sides.largest} pixels, {sides.median} in the middle"
    if survey.classes:
        ordered = sorted(survey.classes.items(), key=lambda item: -item[1])
        shown = ", ".join(f"{name} {count:,}" for name, count in ordered[:CLASSES_SHOWN])
        rest = f" and {len(ordered) - CLASSES_SHOWN} more" if len(ordered) > CLASSES_SHOWN else ""
        yield f"{len(ordered)} classes, from {ordered[-1][1]:,} to {ordered[0][1]:,} pictures: {shown}{rest}"
    else:
        yield "no classes: two or more subfolders would be"
    if survey.damaged_count:
        more = survey.damaged_count - len(survey.damaged)
        yield (
            f"{count_are(survey.damaged_count, 'file')} left out: "
            + ", ".join(survey.damaged)
            + (f" and {more:,} more" if more else "")
        )
    duplicates = survey.duplicates
    if duplicates.groups:
        examples = "; ".join(" = ".join(names) for names in duplicates.examples)
        others = duplicates.groups - len(duplicates.examples)
        examples += f"; {others:,} more" if others else ""
        yield f"near-duplicates: {duplicates.pictures:,} could go ({examples})"
    else:
        yield "no near-duplicates"
    yield from survey.notes


def describe_recipe(plan: Plan) -> Iterator[str]:
    """Yield the preset, the shape, and each setting with its reason."""
    yield f"--preset {plan.recipe.preset}, {describe_shape(plan.shape)}"
    for reason in plan.recipe.reasons:
        yield f"{reason.setting}={reason.value}: {reason.why}"
    yield f"{plan.looks:,} looks at pictures in all"


def describe_cost(plan: Plan) -> Iterator[str]:
    """Yield memory, time here, and hours and dollars elsewhere."""
    yield f"memory: about {plan.memory_gb:.1f} GB"
    if plan.hours_here is None:
        yield f"time: not known, {plan.probe.reason}"
        return
    yield (
        f"here: {describe_duration(plan.hours_here * 3600)} at {plan.probe.images_per_s:,.0f} images/s on "
        f"{plan.probe.device} (timed on {plan.probe.steps} batches)"
    )
    if not plan.costs:
        yield "elsewhere: not known, since what this machine is worth beside others is not"
        return
    for cost in plan.costs:
        where = f"{cost.service} {cost.instance}{f' ({cost.gpu})' if cost.gpu else ''}"
        if cost.service == "SageMaker":
            where += f", image {cost.image}"
        room = "" if cost.fits else ", too little memory"
        yield f"{where}: about {describe_duration(cost.hours * 3600)}, ${cost.usd:,.2f}{room}"
    yield f"Prices of {plan.prices.date}, {plan.prices.region}: {plan.prices.source}"
    yield plan.prices.speeds
