"""Copy every release of one store into another, aliases last: `publish.py models s3://bucket/prefix`."""

import logging
import sys
from http import HTTPStatus
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from foundation.store import Store, open_store, promote
from foundation.store.copying import copy_version

log = logging.getLogger("publish")


def make_bucket(name: str) -> None:
    """Make the bucket unless it is there; a server that is still starting is asked again."""
    retries = {"mode": "standard", "total_max_attempts": 30}
    client = boto3.client("s3", config=Config(retries=retries, s3={"addressing_style": "path"}))
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
            raise
        client.create_bucket(Bucket=name)


def copy_releases(source: Store, target: Store) -> None:
    """Publish each version that `target` does not have, and point its aliases where those of `source` do."""
    for model in source.models():
        for version in source.versions(model):
            fresh = copy_version(source, target, model, version)
            log.info("published %s@%s" if fresh else "%s@%s is there already", model, version)
        for alias, entry in source.aliases(model).entries.items():
            current = target.aliases(model).entries.get(alias)
            if current is None or current.version != entry.version:
                promote(target, model, entry.version, alias=alias)


def main() -> None:
    """Copy from the first argument to the second."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    source, target = sys.argv[1:]
    if target.startswith("s3://"):
        make_bucket(urlsplit(target).netloc)
    copy_releases(open_store(source), open_store(target))


if __name__ == "__main__":
    main()
