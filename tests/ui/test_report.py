"""The report of a training run in a real browser."""

import pytest

from tests.training.run_folders import add_release, make_run
from training.report import write_report


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("report") / "a-run-with-a-rather-long-name-of-its-own")
    add_release(run)
    return write_report(run.folder)


@pytest.mark.parametrize("visit", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_the_report_fits_a_phone_and_shows_every_picture_from_within_itself(visit, report):
    visit.page.goto(report.as_uri())
    broken = "[...document.images].filter(image => !image.complete || !image.naturalWidth).length"
    assert visit.page.evaluate(broken) == 0
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.page.get_by_role("heading", name="Against real pictures").is_visible()


@pytest.mark.parametrize("visit", [{"color_scheme": "dark"}], indirect=True)
def test_the_report_is_dark_where_the_reader_is(visit, report):
    visit.page.goto(report.as_uri())
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
