"""What SageMaker tells a container that shall `train`: the files and variables of its training contract.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from foundation.names import NAME_RULE, is_name
from training.config import nearest
from training.errors import ConfigurationError, DataError
from training.presets import find_preset

OWN_KEYS = {"preset": "dcgan", "name": "", "version": "", "licence": "unstated", "max_copied": ""}
"""Hyperparameters beside the fields of the preset, and what they are unless given."""

SDK_PREFIX = "sagemaker_"
"""Of the hyperparameters that SageMaker's Python SDK adds for itself."""

FIRST_CHANNELS = ("training", "train")
Form = TypeVar("Form")

PORT = 7777
"""Where the workers listen; SageMaker lets the hosts of one job talk on any."""


class Resources(BaseModel):
    """`resourceconfig.json`: the names of all hosts of the job, and of this one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    current_host: str = "algo-1"
    hosts: tuple[str, ...] = ("algo-1",)


class Channel(BaseModel):
    """One entry of `inputdataconfig.json`: how the data of a channel comes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: str = Field("File", alias="TrainingInputMode")
    distribution: str = Field("FullyReplicated", alias="S3DistributionType")


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A job as the person who started it meant it, and where its files belong."""

    preset: str
    assignments: tuple[str, ...]
    """key=value, for `training.config.override`."""
    name: str
    version: str
    licence: str
    max_copied: float | None
    """The largest share of the drawings that may be copies of training pictures; None: any."""
    data_folder: Path | None
    """The channel's; None without a channel."""
    run_folder: Path
    """SageMaker keeps a copy of it in S3 and lays it there again after a spot interruption."""
    model_folder: Path
    output_folder: Path
    gpus: int
    resources: Resources

    @property
    def is_chief(self) -> bool:
        """Whether this host is the one that writes."""
        return self.resources.current_host == min(self.resources.hosts)

    @property
    def tf_config(self) -> str | None:
        """The variable TF_CONFIG that makes the hosts workers of one cluster; None for one host."""
        hosts = sorted(self.resources.hosts)
        if len(hosts) == 1:
            return None
        workers = [f"{host}:{PORT}" for host in hosts]
        task = {"type": "worker", "index": hosts.index(self.resources.current_host)}
        return json.dumps({"cluster": {"worker": workers}, "task": task})


def read_job(root: Path, variables: Mapping[str, str]) -> TrainingJob:
    """Read the job that SageMaker laid down under `root`, /opt/ml in its containers.

    A variable `SM_*` of its training toolkit goes before the file that says the same.

    Raises:
        ConfigurationError: a file is damaged or a hyperparameter unknown; the nearest right one is named.
        DataError: the channels cannot be used.
    """
    settings = root / "input" / "config"
    given = {
        key: unquote(value)
        for key, value in read_json(settings / "hyperparameters.json", dict[str, str], {}).items()
        if not key.startswith(SDK_PREFIX)
    }
    own = {key: given.pop(key, value) for key, value in OWN_KEYS.items()}
    known = [*OWN_KEYS, *find_preset(own["preset"]).configuration_class.model_fields]
    for key in given:
        if key not in known:
            raise ConfigurationError(f"There is no hyperparameter '{key}'.{nearest(key, known)}")
    folder = find_channel(root, variables)
    if folder is not None and "data" not in given:
        given["data"] = name_data(folder)
    return TrainingJob(
        preset=own["preset"],
        assignments=tuple(f"{key}={value}" for key, value in given.items()),
        name=require_name("name", own["name"] or own["preset"]),
        version=require_name("version", own["version"] or name_version(variables)),
        licence=own["licence"],
        max_copied=read_share("max_copied", own["max_copied"]),
        data_folder=folder,
        run_folder=root / "checkpoints",
        model_folder=Path(variables.get("SM_MODEL_DIR", root / "model")),
        output_folder=Path(variables.get("SM_OUTPUT_DATA_DIR", root / "output" / "data")),
        gpus=int(variables.get("SM_NUM_GPUS") or 0),
        resources=find_resources(settings, variables),
    )


def read_share(key: str, value: str) -> float | None:
    """Return a share in [0, 1]; None where none is given. Raise ConfigurationError for anything else."""
    if not value:
        return None
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ConfigurationError(
            f"The hyperparameter '{key}' is a share from 0 to 1, such as 0.02, not '{value}'."
        )
    return share


def find_resources(settings: Path, variables: Mapping[str, str]) -> Resources:
    """Return the job's hosts by SM_HOSTS and SM_CURRENT_HOST, or by resourceconfig.json."""
    found = read_json(settings / "resourceconfig.json", Resources, Resources())
    if "SM_HOSTS" in variables:
        found = found.model_copy(update={"hosts": tuple(json.loads(variables["SM_HOSTS"]))})
    if "SM_CURRENT_HOST" in variables:
        found = found.model_copy(update={"current_host": variables["SM_CURRENT_HOST"]})
    if found.current_host not in found.hosts:
        raise ConfigurationError(
            f"This host, {found.current_host}, is none of the job's: {', '.join(found.hosts)}."
        )
    return found


def find_channel(root: Path, variables: Mapping[str, str]) -> Path | None:
    """Return the folder of the channel `training` or `train`, or of the only one; None without any."""
    if "SM_CHANNEL_TRAINING" in variables:
        return Path(variables["SM_CHANNEL_TRAINING"])
    channels = read_json(root / "input" / "config" / "inputdataconfig.json", dict[str, Channel], {})
    if not channels:
        return None
    name = next((name for name in FIRST_CHANNELS if name in channels), None)
    if name is None and len(channels) > 1:
        raise DataError(f"None of the channels {', '.join(channels)} is called 'training'.")
    name = name or next(iter(channels))
    if channels[name].mode == "Pipe":
        raise DataError(f"The channel '{name}' is of mode Pipe; use File or FastFile.")
    if channels[name].distribution == "ShardedByS3Key":
        raise DataError(
            f"The channel '{name}' is sharded by S3 key; use FullyReplicated: every host reads its part "
            "of one common order."
        )
    return root / "input" / "data" / name


def name_data(folder: Path) -> str:
    """Return what `data` is for a channel's folder: Fashion-MNIST's files, one npz file, or pictures."""
    if any(folder.glob("train-images-idx3-ubyte*")):
        return "fashion-mnist"
    archives = sorted(folder.glob("*.npz"))
    return f"npz:{archives[0]}" if len(archives) == 1 else f"folder:{folder}"


def name_version(variables: Mapping[str, str]) -> str:
    """Return the job's name as a version, or v1 where it has none that may be a version."""
    name = variables.get("TRAINING_JOB_NAME", "").lower()
    return name if is_name(name) else "v1"


def require_name(key: str, value: str) -> str:
    """Return `value`; raise ConfigurationError unless the model store takes it as a name."""
    if not is_name(value):
        raise ConfigurationError(f"{key}={value[:80]} is no name: a name has {NAME_RULE}.")
    return value


def unquote(value: str) -> str:
    """Return the text in a JSON string, as which some SDKs send theirs; any other value as it is."""
    return str(json.loads(value)) if value[:1] == value[-1:] == '"' and len(value) > 1 else value


def read_json(path: Path, form: type[Form], absent: Form) -> Form:
    """Read a file of SageMaker's; raise ConfigurationError that names it where it is damaged."""
    if not path.exists():
        return absent
    try:
        return TypeAdapter(form).validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise ConfigurationError(f"{path} cannot be read: {place} {fault['msg']}.") from error
