"""What `python -m benchmarks.peers` concludes from its rounds; the peers themselves start only there."""

import json
from dataclasses import asdict

import pytest

from benchmarks.peers.comparison import Compared, Result, Seen, order_servers
from benchmarks.peers.report import BEGIN, END, draw_chart, put_table, write_table
from benchmarks.peers.stacks import OURS


def saw(images_per_s, cpu_ms_per_image=1.0, failed=0):
    return Seen(images_per_s, cpu_ms_per_image, p50_ms=5.0, p99_ms=9.0, failed=failed)


ROUNDS = [
    {OURS: saw(200, 1.0), "LitServe": saw(100, 2.0), "BentoML": saw(0.0, 0.0)},
    {OURS: saw(300, 1.0), "LitServe": saw(100, 1.5, failed=3), "BentoML": saw(0.0, 0.0)},
    {OURS: saw(400, 2.0), "LitServe": saw(320, 2.0), "BentoML": saw(0.0, 0.0)},
]
RESULTS = [
    Result("fashion@v3", [Compared(16, 8, ROUNDS)], {"PyTriton": "it answers other pixels"}),
    Result("made64@v1", [Compared(1, 32, [{OURS: saw(50), "LitServe": saw(40)}])]),
]


def test_the_table_gives_the_median_of_the_rounds_ratios_with_the_least_and_the_most():
    table = write_table("a machine", "versions", RESULTS, seconds=2)
    assert "3 rounds of 2 s each" in table
    assert "| fashion@v3 | 16 × 8 | 300 | 2.00 (1.25–3.00) | no answers |" in table
    assert "| fashion@v3 | 16 × 8 | 1.000 | 1.50 (1.00–2.00) | no answers |" in table  # theirs by ours
    assert "| made64@v1 | 1 × 32 | 50 | 1.25 (1.25–1.25) | – |" in table


def test_the_table_says_who_is_missing_and_whose_requests_failed():
    table = write_table("a machine", "versions", RESULTS, seconds=2)
    assert "PyTriton is left out of fashion@v3: it answers other pixels" in table
    assert "Requests that failed: LitServe with fashion@v3, 16 × 8: 3." in table
    assert "Requests that failed: none." in write_table("a machine", "versions", RESULTS[1:], seconds=2)


def test_every_second_round_goes_backwards():
    names = [OURS, "LitServe", "BentoML"]
    assert [order_servers(names, turn) for turn in range(3)] == [names, names[::-1], names]


def test_the_table_takes_the_place_of_the_one_before_and_nothing_else(tmp_path):
    page = tmp_path / "RESULTS.md"
    page.write_text(f"before\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n", encoding="utf-8")
    for table in ("| longer | than that |\n", "| new |\n", "| new |\n"):
        put_table(page, table)
    assert page.read_text(encoding="utf-8") == f"before\n\n{BEGIN}\n\n| new |\n\n{END}\n\nafter\n"
    page.write_text("without marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the table"):
        put_table(page, "| new |")


def test_kept_rounds_give_the_same_table_and_the_same_chart(tmp_path):
    kept = [Result.read(json.loads(json.dumps(asdict(result)))) for result in RESULTS]
    assert kept == RESULTS
    for name, results in (("first", RESULTS), ("again", kept)):
        draw_chart(tmp_path / name, results)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    assert b"<svg" in (tmp_path / "first").read_bytes()
