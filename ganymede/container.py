"""The container's entry point: `serve`, `train` or any other command; on a laptop, ECS and SageMaker."""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

_HEALTH_TIMEOUT_S = 4.0
_HOSTS = Path("config") / "resourceconfig.json"
"""Of a Processing job; a training job has it under `input`."""


def main() -> None:
    """Run the command line; `health` asks the server in this container whether it is ready."""
    if sys.argv[1:] == ["health"]:
        sys.exit(0 if is_ready(int(os.environ.get("GANYMEDE_PORT", "8080"))) else 1)
    root = sagemaker_root(os.environ)
    if sys.argv[1:] == ["train"] and (root / "input" / "config").is_dir():
        from ganymede.sagemaker import run_training_job

        sys.exit(run_training_job(root))
    sys.argv += processing_share(sys.argv[1:], root)
    from foundation.errors import GanymedeError
    from ganymede.command import complain
    from ganymede.command import main as run_command_line
    from ganymede.mounted_models import explain_empty, is_meant

    models, arguments = root / "model", sys.argv[1:]
    try:
        found = sagemaker_variables(arguments, os.environ, models)
        if not found and is_meant(arguments, os.environ, models):
            raise explain_empty(models)
    except GanymedeError as error:
        complain(error)
    os.environ.update(found)
    run_command_line()


def processing_share(arguments: list[str], root: Path) -> list[str]:
    """What `generate --shards` needs besides to know its part in a SageMaker Processing job of several hosts.

    SageMaker lays `config/resourceconfig.json` there, with all hosts and the name of this one.
    """
    options = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
    if arguments[:1] != ["generate"] or "--shards" not in options:
        return []
    if options & {"--shard-index", "--shard-count"} or not (root / _HOSTS).is_file():
        return []
    told = json.loads((root / _HOSTS).read_bytes())
    hosts = sorted(told["hosts"])
    return ["--shard-index", str(hosts.index(told["current_host"])), "--shard-count", str(len(hosts))]


def sagemaker_root(environment: Mapping[str, str]) -> Path:
    """Where SageMaker lays its files; its own toolkit reads the same variable."""
    return Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def sagemaker_variables(arguments: list[str], environment: Mapping[str, str], models: Path) -> dict[str, str]:
    """What `serve` needs besides its environment: the store in SageMaker's folder, where it holds one.

    A model store that is named (`GANYMEDE_MODELS` or `--models`) goes before SageMaker's folder.

    Raises:
        ReleaseRefused: the folder is one version, and its manifest cannot be read.
    """
    from ganymede.mounted_models import find_mounted_store, is_meant

    store = find_mounted_store(models) if is_meant(arguments, environment, models) else None
    return {} if store is None else {"GANYMEDE_MODELS": str(store)}


def is_ready(port: int) -> bool:
    """Whether the server on `port` of this container says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=_HEALTH_TIMEOUT_S):
            return True
    except OSError:  # a refused connection, a time limit, or a status of 400 and up
        return False


if __name__ == "__main__":
    main()
