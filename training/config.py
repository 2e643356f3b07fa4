"""What a training run is made of, as far as every preset has it: a frozen configuration and its overrides."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from training.errors import ConfigurationError
from training.shape import PictureSettings

Count = Annotated[int, Field(ge=1)]
Beta = Annotated[float, Field(ge=0.0, lt=1.0)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]


def read_auto(given: object) -> object:
    """Take the word `auto` for a number that is still to be chosen, which is 0 until then."""
    return 0 if given == "auto" else given


class Configuration(PictureSettings):
    """Everything that decides a run, as far as every preset has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: str
    data: str = "fashion-mnist"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    epochs: Count = 50
    buffer_size: Count = 60_000
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 256
    latent_size: Annotated[int, Field(ge=1, le=4096)] = 100
    precision: Precision = "auto"
    xla: bool | Literal["auto"] = "auto"
    """Whether XLA compiles the steps; `auto`: on GPUs. On CPUs they were 0.67 times as fast with it."""
    checkpoint_epochs: Count = 1
    checkpoints_kept: Annotated[int, Field(ge=1, le=1000)] = 3
    sample_epochs: Count = 1
    evaluation_epochs: Annotated[int, Field(ge=0)] = 2
    """The pictures are measured every so many epochs, and after the last; 0 never."""
    evaluation_images: Annotated[int, Field(ge=2, le=100_000)] = 5000
    patience: Annotated[int, Field(ge=0)] = 0
    """The run ends when its figure was not better for so many epochs; 0: never before its length."""
    features: str = ""
    """The feature network, a file in ONNX, to measure them with; the data's own unless given."""

    def count_batches(self, images: int) -> int:
        """Return how many batches an epoch of so many images has, the last one possibly smaller."""
        return -(-images // self.batch_size)


C = TypeVar("C", bound=Configuration)
S = TypeVar("S", bound=BaseModel)


def override(configuration: S, assignments: Sequence[str]) -> S:
    """Return `configuration` with each "key=value" put in; raise ConfigurationError on a bad one."""
    values = configuration.model_dump()
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ConfigurationError(f"'{assignment}' is not of the form key=value.")
        if key not in values:
            raise ConfigurationError(f"There is no setting '{key}'.{nearest(key, values)}")
        if key == "preset":
            raise ConfigurationError("The preset is chosen by --preset, not overridden.")
        values[key] = value
    try:
        return type(configuration).model_validate(values)
    except ValidationError as error:
        faults: dict[str, list[str]] = {}
        for fault in error.errors():  # a field that takes one of two kinds has a fault for each
            faults.setdefault(f"{fault['loc'][0]}={fault['input']}", []).append(explain_fault(fault))
        lines = [f"{given}: it must be {', or '.join(messages)}." for given, messages in faults.items()]
        raise ConfigurationError(" ".join(lines)) from error


def explain_fault(fault: ErrorDetails) -> str:
    """Return what a value must be, of what pydantic says of one that is not: `a whole number`."""
    bounds, kind = fault.get("ctx", {}), fault["type"]
    words = {
        "int": "a whole number",
        "float": "a number",
        "finite": "a finite number",
        "bool": "true or false",
        "greater_than": f"more than {bounds.get('gt')}",
        "greater_than_equal": f"at least {bounds.get('ge')}",
        "less_than": f"less than {bounds.get('lt')}",
        "less_than_equal": f"at most {bounds.get('le')}",
        "value_error": fault["msg"].removeprefix("Value error, "),
        "literal_error": str(bounds.get("expected")).replace("'", ""),
        "enum": str(bounds.get("expected")).replace("'", ""),
    }
    known = words.get(kind) or words.get(kind.partition("_")[0])
    return known or fault["msg"].removeprefix("Input should be ")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known word, or all of them if none is near."""
    words = list(known)
    matches = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f" Did you mean '{matches[0]}'?" if matches else f" There are {', '.join(words)}."


def write_value(value: object) -> str:
    """Return a value as `--set` takes it."""
    return str(value).lower() if isinstance(value, bool) else f"{value}"
