"""The plan of a run: what is in a set, the recipe, what it takes here and elsewhere, what to expect."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console

from foundation.home import expand_home
from foundation.store import Store
from training.activity import doing, plain
from training.errors import DataError
from training.launch.memory import estimate_bytes
from training.plan.costs import Cost, PriceTable, estimate_costs, read_table
from training.plan.expectations import expect
from training.plan.probe import Measurement, run_probe
from training.plan.recipe import Recipe, choose_recipe, configure, count_trained, fill_in, find_shape
from training.plan.survey import Survey, survey_folder, survey_pictures
from training.preset import describe_shape
from training.presets import require_drawable
from training.shape import PictureShape


class Plan(BaseModel):
    """All of it; `--json` is this."""

    model_config = ConfigDict(frozen=True)

    survey: Survey
    recipe: Recipe
    shape: PictureShape
    trained: int
    """Pictures that are learnt from: those that are held out are not."""
    looks: int
    """Pictures seen in the whole run, each as often as there are epochs."""
    memory_gb: float
    probe: Measurement
    hours_here: float | None
    """None where nothing was timed."""
    costs: tuple[Cost, ...]
    """Empty where there is nothing to take the ratio from."""
    prices: PriceTable
    expectations: tuple[str, ...]
    command: str


def make_plan(
    source: str,
    *,
    preset: str,
    settings: list[str],
    data_folder: Path | None,
    probed: bool,
    console: Console,
    store: Store,
) -> Plan:
    """Look through a set and say what a run on it takes.

    `source` is a folder, or what --data takes; `store` has the releases that it may begin from.

    Raises:
        DataError: there is no such set, or no picture in it.
        ConfigurationError: there is no such preset or setting, or it cannot draw such pictures.
    """
    if not console.is_terminal:
        plain(console)(f"Looking through {source} …")
    survey = survey_source(source, data_folder, console)
    recipe = choose_recipe(survey, preset, settings)
    configuration = configure(recipe, survey)
    shape = find_shape(survey, configuration)
    configuration = fill_in(configuration, survey)
    require_drawable(configuration, shape)
    trained = count_trained(survey, configuration)
    probe = Measurement(reason="--no-probe was given")
    if probed:
        what = f"Timing a few batches of {describe_shape(shape)}"
        what = f"{what}: TensorFlow compiles first, for a minute or so, three at most"
        with doing(console, what, at_once=True):
            probe = run_probe(configuration, shape)
    memory_gb = max(estimate_bytes(configuration, shape), probe.peak_bytes) / 1e9
    looks = configuration.epochs * trained
    hours = looks / probe.images_per_s / 3600 if probe.steps else None
    table = read_table()
    costs: tuple[Cost, ...] = ()
    if hours is not None and probe.speed:
        costs = estimate_costs(
            table, hours_here=hours, speed_here=probe.speed, size=shape.size, memory_gb=memory_gb
        )
    return Plan(
        survey=survey,
        recipe=recipe,
        shape=shape,
        trained=trained,
        looks=looks,
        memory_gb=round(memory_gb, 1),
        probe=probe,
        hours_here=None if hours is None else round(hours, 3),
        costs=costs,
        prices=table,
        expectations=expect(survey, configuration, shape, hours, store),
        command=write_command(survey, recipe, data_folder),
    )


def survey_source(source: str, data_folder: Path | None, console: Console) -> Survey:
    """Look through a folder, file by file, or another set as it is loaded."""
    kind, colon, value = source.partition(":")
    path = expand_home(value if kind == "folder" and colon else source)
    archive = not colon and path.suffix == ".npz"
    if (kind == "folder" and colon) or path.is_dir() or (not colon and "/" in source and not archive):
        return survey_folder(path, console)
    data = f"npz:{source}" if archive else source
    from training.data.sources import load_pictures
    from training.shape import PictureSettings

    settings = PictureSettings(held_out=0.0)
    train = load_pictures(data, data_folder, "train", settings, console)
    try:
        test = load_pictures(data, data_folder, "test", settings)
    except DataError:
        test = None
    same = test is not None and test.record is not None and test.record == train.record
    return survey_pictures(data, train, None if same or test is None else test, console)


def write_command(survey: Survey, recipe: Recipe, data_folder: Path | None) -> str:
    """Return the line that begins the run."""
    import shlex

    words = ["ganymede", "train", "--preset", recipe.preset, "--data", survey.source]
    if data_folder:
        words += ["--data-folder", str(data_folder)]
    for key, value in recipe.settings.items():
        words += ["--set", f"{key}={value}"]
    return shlex.join(words)
