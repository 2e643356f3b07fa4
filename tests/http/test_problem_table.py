"""Errors know nothing of HTTP; one table says what each is to a client, and that stays as it was."""

import ast
import importlib
from pathlib import Path

import pytest

from foundation.errors import GanymedeError
from service.http.problem_table import PROBLEM_TYPES, code_of, headers_of, problem_type
from service.http.problems import describe

REPOSITORY = Path(__file__).parent.parent.parent

ANSWERS = {
    "AddressTooLong": ("address-too-long", 414, "Address too long"),
    "AliasMoved": ("alias-moved", 409, "Alias moved"),
    "AlreadyPublished": ("already-published", 409, "Version already published"),
    "AlreadySigned": ("already-signed", 409, "Version already signed"),
    "BodyTooLarge": ("body-too-large", 413, "Body too large"),
    "BytesFull": ("bytes-full", 503, "Too many bytes in flight"),
    "CacheUnusable": ("store", 503, "Model store error"),
    "ClientGone": ("client-gone", 499, "Client gone"),
    "DeadlineExceeded": ("deadline-exceeded", 504, "Deadline exceeded"),
    "DeviceMissing": ("device-missing", 500, "Internal error"),
    "Exhausted": ("exhausted", 503, "Exhausted"),
    "GanymedeError": ("internal", 500, "Internal error"),
    "GenerationFailed": ("generation-failed", 500, "Generation failed"),
    "HeadTooLarge": ("head-too-large", 431, "Head too large"),
    "InvalidField": ("invalid-field", 422, "Invalid field"),
    "KeyMissing": ("key-missing", 401, "API key missing"),
    "KeyUnknown": ("key-unknown", 403, "API key unknown"),
    "MalformedRequest": ("malformed", 400, "Malformed request"),
    "MethodNotAllowed": ("method-not-allowed", 405, "Method Not Allowed"),
    "ModelNotFound": ("model-not-found", 404, "Model not found"),
    "NoGraph": ("release-refused", 503, "Release refused"),
    "NoProjection": ("no-projection", 409, "No projection"),
    "NotAcceptable": ("not-acceptable", 406, "Not acceptable"),
    "NotExact": ("not-exact", 500, "Internal error"),
    "NotFound": ("not-found", 404, "Not found"),
    "NotPlaceable": ("not-placeable", 500, "Internal error"),
    "ReadInTwoUnits": ("not-placeable", 500, "Internal error"),
    "QueueFull": ("queue-full", 503, "Queue full"),
    "QuotaExceeded": ("quota-exceeded", 429, "Quota exceeded"),
    "RateExceeded": ("rate-exceeded", 429, "Rate exceeded"),
    "NotTrusted": ("release-refused", 503, "Release refused"),
    "ReleaseRefused": ("release-refused", 503, "Release refused"),
    "RequestTimeout": ("request-timeout", 408, "Request timeout"),
    "StoreDenied": ("store-unreachable", 503, "Model store unreachable"),
    "StoreError": ("store", 500, "Model store error"),
    "StoreUnreachable": ("store-unreachable", 503, "Model store unreachable"),
    "SignatureExpired": ("signature-expired", 403, "Signature expired"),
    "SignatureWrong": ("signature-wrong", 403, "Signature wrong"),
    "TooManyConnections": ("too-many-connections", 503, "Too many connections"),
    "TooManyWaiting": ("too-many-waiting", 429, "Too many requests wait"),
    "TooManyWrongKeys": ("too-many-wrong-keys", 429, "Too many wrong keys"),
    "TrialFailed": ("trial-failed", 500, "Internal error"),
    "GraphUnreadable": ("graph-unreadable", 500, "Internal error"),
    "Unavailable": ("unavailable", 503, "Unavailable"),
    "UnsupportedEncoding": ("unsupported-encoding", 415, "Unsupported encoding"),
    "UnsupportedPicture": ("unsupported-picture", 415, "Unsupported picture"),
    "UpgradeRefused": ("upgrade-refused", 501, "Upgrade refused"),
    "WrongKey": ("wrong-key", 500, "Internal error"),
    "WrongName": ("store", 500, "Model store error"),
    "WrongSetting": ("wrong-setting", 500, "Internal error"),
    "_TooSparse": ("release-refused", 503, "Release refused"),
}
"""What the document of each error said when each class still said so itself: code, status and title."""

RETRY_AFTER_S = {
    "StoreUnreachable": 10,
    "StoreDenied": 10,
    "CacheUnusable": 10,
    "NoGraph": 60,
    "NotTrusted": 60,
    "ReleaseRefused": 60,
    "_TooSparse": 60,
}
CLOSING = {
    "RequestTimeout",
    "AddressTooLong",
    "HeadTooLarge",
    "TooManyWaiting",
    "UpgradeRefused",
    "TooManyConnections",
}


def find_error_classes():
    """The modules of foundation and service that define errors, and the names of these, by their source."""
    found, names = {}, {"GanymedeError"}
    classes = [
        (path, node.name, {base.id for base in node.bases if isinstance(base, ast.Name)})
        for package in ("foundation", "service")
        for path in (REPOSITORY / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    found["GanymedeError"] = REPOSITORY / "foundation" / "errors.py"
    while more := {name: path for path, name, bases in classes if bases & names and name not in names}:
        found |= more
        names |= set(more)
    return found


def all_errors():
    found = {}
    for name, path in find_error_classes().items():
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        found[name] = getattr(importlib.import_module(module), name)
    return found


ERRORS = all_errors()


def made(kind):
    """An error of the class, whatever it is made of."""
    error = kind.__new__(kind)
    Exception.__init__(error, "a sentence")
    return error


def test_every_error_of_foundation_and_service_is_in_the_record():
    assert set(ERRORS) == set(ANSWERS)
    assert all(issubclass(kind, GanymedeError) for kind in ERRORS.values())


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_document_of_each_error_says_what_it_always_said(name):
    error = made(ERRORS[name])
    kind = problem_type(error)
    assert (code_of(error), kind.status, kind.title) == ANSWERS[name]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_headers_of_each_error_are_those_it_always_had(name):
    headers = headers_of(made(ERRORS[name]))
    wanted = []
    if name in RETRY_AFTER_S:
        wanted.append(("Retry-After", str(RETRY_AFTER_S[name])))
    if name in CLOSING:
        wanted.append(("Connection", "close"))
    if name == "KeyMissing":
        wanted += [("WWW-Authenticate", f'{way} realm="ganymede"') for way in ("Bearer", "Basic")]
    if name == "UnsupportedEncoding":
        wanted.append(("Accept-Encoding", "identity"))
    assert list(headers) == wanted


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_no_error_knows_a_status_a_title_or_a_header(name):
    assert not {"status", "title", "headers"} & set(dir(ERRORS[name]))


def test_no_row_of_the_table_is_for_nothing():
    assert set(PROBLEM_TYPES) <= {kind.code for kind in ERRORS.values()}


def test_both_ways_to_send_a_key_are_headers_of_their_own():
    headers = describe(made(ERRORS["KeyMissing"])).headers
    assert headers.getlist("www-authenticate") == ['Bearer realm="ganymede"', 'Basic realm="ganymede"']
