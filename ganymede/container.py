"""The container's entry point: `serve`, `train` or any other command; on a laptop, ECS and SageMaker."""

import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

_HEALTH_TIMEOUT_S = 4.0


def main() -> None:
    """Run the command line; `health` asks the server in this container whether it is ready."""
    if sys.argv[1:] == ["health"]:
        sys.exit(0 if is_ready(int(os.environ.get("GANYMEDE_PORT", "8080"))) else 1)
    root = sagemaker_root(os.environ)
    if sys.argv[1:] == ["train"] and (root / "input" / "config").is_dir():
        from ganymede.sagemaker import run_training_job

        sys.exit(run_training_job(root))
    os.environ.update(sagemaker_variables(sys.argv[1:], os.environ, root / "model"))
    from ganymede.command import main as run_command_line

    run_command_line()


def sagemaker_root(environment: Mapping[str, str]) -> Path:
    """Where SageMaker lays its files; its own toolkit reads the same variable."""
    return Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def sagemaker_variables(arguments: list[str], environment: Mapping[str, str], models: Path) -> dict[str, str]:
    """What `serve` needs besides its environment: a store in SageMaker's folder, when it holds one.

    A model store that is named (`GANYMEDE_MODELS` or `--models`) goes before SageMaker's folder.
    """
    named = "GANYMEDE_MODELS" in environment or any(a.split("=")[0] == "--models" for a in arguments)
    if arguments[:1] != ["serve"] or named or not holds_store(models):
        return {}
    return {"GANYMEDE_MODELS": str(models)}


def holds_store(folder: Path) -> bool:
    """Whether `folder` is a model store with at least one version."""
    return next(folder.glob("*/versions/*/manifest.json"), None) is not None


def is_ready(port: int) -> bool:
    """Whether the server on `port` of this container says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=_HEALTH_TIMEOUT_S):
            return True
    except OSError:  # a refused connection, a time limit, or a status of 400 and up
        return False


if __name__ == "__main__":
    main()
