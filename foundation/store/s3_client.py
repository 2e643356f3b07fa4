"""The boto3 client of a model store, and what its errors mean in words."""

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
)

from foundation.errors import StoreDenied, StoreUnreachable

CONNECT_TIMEOUT_S = 3.0
ATTEMPTS = 3
"""With botocore's `standard` mode: exponential backoff with jitter, and a budget for retries."""

Target = dict[str, str]
"""An object: `Bucket` and `Key`, as boto3 names them."""

_CREDENTIALS = {
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "InvalidAccessKeyId": "the access key id is not known there",
    "ExpiredToken": "the credentials have expired",
    "ExpiredTokenException": "the credentials have expired",
    "RequestExpired": "the credentials have expired",
    "InvalidToken": "the session token is not valid",
    "TokenRefreshRequired": "the credentials have expired",
}
_ARCHIVED = {"InvalidObjectState"}
_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
MAX_MESSAGE = 300
_MAX_CODE = 80
_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}


class NoList(Exception):
    """What should be a list of objects is none, such as the web page of a console."""


def make_client(timeout_s: float) -> Any:
    """A client configured by AWS's own variables and files; path-style where the endpoint is not AWS's.

    boto3 reads AWS_DEFAULT_REGION alone; every other SDK of AWS reads AWS_REGION.
    """
    session = boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
    client = session.client("s3", config=_configuration("auto", timeout_s))
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return client
    return session.client("s3", config=_configuration("path", timeout_s))


def _configuration(addressing_style: str, timeout_s: float) -> Config:
    return Config(
        connect_timeout=min(CONNECT_TIMEOUT_S, timeout_s),
        read_timeout=timeout_s,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        s3={"addressing_style": addressing_style},
        user_agent_extra="ganymede",
        # Each file has its sha256 in the manifest, and each write names its checksum itself, if the store
        # takes one: what boto3 would add by itself, many stores that are not AWS's refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def status_of(error: ClientError) -> int:
    """The HTTP status of an answer that boto3 raised."""
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def code_of(error: ClientError) -> str:
    """The S3 error code of an answer that boto3 raised; HEAD gives only the status as text."""
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def is_missing(client: Any, target: Target, error: ClientError) -> bool:
    """Whether `error` says that the object (not its bucket) does not exist.

    Whose policy ties ListBucket to a prefix is told 403 for a missing key, so there the listing decides.
    """
    if code_of(error) in {"NoSuchKey", "404", "NotFound"}:
        return True
    if status_of(error) == 404 and code_of(error) not in {"NoSuchBucket", "NoSuchUpload"}:
        return True
    if status_of(error) != 403 or code_of(error) in {*_CREDENTIALS, *_ARCHIVED}:
        return False
    try:
        answer = client.list_objects_v2(Bucket=target["Bucket"], Prefix=target["Key"], MaxKeys=1)
    except ClientError:
        return False
    return all(found["Key"] != target["Key"] for found in answer.get("Contents", []))


def explain(error: Exception, location: str, endpoint: str) -> StoreUnreachable:
    """The sentence for an error of boto3 while it spoke to `endpoint` for the store at `location`."""
    denied = isinstance(error, ClientError) and 400 <= status_of(error) < 500 and status_of(error) != 429
    kind = StoreDenied if denied else StoreUnreachable
    outside = f"the store: {_reason(error, 'its endpoint', quote=lambda _: '')}."
    return kind(f"{location}: {_reason(error, endpoint)}.", outside=outside)


def is_archived(error: Exception) -> bool:
    """Whether `error` says that an object lies in an archive (Glacier): nothing is wrong with the store."""
    return isinstance(error, ClientError) and code_of(error) in _ARCHIVED


def _shorten(text: str) -> str:
    return " ".join(text.split())[:MAX_MESSAGE].rstrip(".")


def _reason(error: Exception, endpoint: str, *, quote: Callable[[str], str] = _shorten) -> str:
    """What happened; `quote` says what is told of others' words, which name buckets, accounts and hosts."""

    def say(words: object) -> str:
        quoted = quote(str(words))
        return f" ({quoted})" if quoted else ""

    sentences: dict[type[Exception], Callable[[], str]] = {
        NoCredentialsError: lambda: (
            "there are no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or run with a role"
        ),
        PartialCredentialsError: lambda: f"the AWS credentials are not complete{say(error)}",
        EndpointConnectionError: lambda: (
            f"nothing answers at {endpoint}; check AWS_ENDPOINT_URL_S3 and the network"
        ),
        ConnectTimeoutError: lambda: f"{endpoint} let nobody connect within the time limit",
        ReadTimeoutError: lambda: f"{endpoint} did not answer within the time limit",
        ParamValidationError: lambda: f"that cannot be asked{say(error)}",
        ProfileNotFound: lambda: f"AWS_PROFILE names no profile{say(error)}",
        TokenRetrievalError: lambda: f"the sign-in has expired or failed{say(error)}",
    }
    if isinstance(error, ClientError):
        return _reason_of_answer(error, endpoint, quote)
    if sentence := sentences.get(type(error)):
        return sentence()
    if isinstance(error, BotoCoreError):
        return f"the connection broke{say(error)}"
    if isinstance(error, Boto3Error | OSError):
        return f"the transfer failed{say(error)}"
    if isinstance(error, NoList):
        return f"{endpoint} answered no list of objects; is that the address of its S3 interface?"
    if isinstance(error, RecursionError):  # boto3 follows a bucket from region to region, without a limit
        return f"{endpoint} sends this from one place to another; check AWS_REGION and AWS_ENDPOINT_URL_S3"
    # A parser, a redirect or a header that boto3 itself did not expect.
    return f"{endpoint} answered what cannot be read{say(f'{type(error).__name__}: {error}')}"


def _reason_of_answer(error: ClientError, endpoint: str, quote: Callable[[str], str]) -> str:
    code, status = code_of(error)[:_MAX_CODE], status_of(error)
    message = quote(error.response.get("Error", {}).get("Message") or "")
    said = f": {message}" if message else ""
    if code == "NoSuchBucket":
        return f"there is no such bucket at {endpoint}"
    if code in _CREDENTIALS:
        return f"{_CREDENTIALS[code]} ({code})"
    if code in _ARCHIVED:
        storage = error.response.get("Error", {}).get("StorageClass")
        where = f" in the storage class {storage}" if storage else ""
        return f"the object is archived{where}: restore it first, or keep it out of archives ({code})"
    if code in _REGION or status in (301, 307):
        region = error.response.get("Error", {}).get("Region") or _header(error, "x-amz-bucket-region")
        if quote(region or ""):
            return f"the bucket is in the region {region}; set AWS_REGION={region} ({code})"
        return f"{endpoint} sends this elsewhere; check AWS_REGION and AWS_ENDPOINT_URL_S3 ({code})"
    if status == 403:
        return f"these credentials may not do {error.operation_name} there ({code}){said}"
    if code in _THROTTLED or status == 429:
        return f"{endpoint} asks to slow down ({code}); {ATTEMPTS} attempts were made"
    if status >= 500 and status != 501:
        return f"{endpoint} answered {status} ({code}) {ATTEMPTS} times"
    return f"{endpoint} answered {status} {code} to {error.operation_name}{said}"


def _header(error: ClientError, name: str) -> str | None:
    headers: dict[str, str] = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers.get(name)
