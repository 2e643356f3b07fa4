"""The page's modules as one script: it does what they do, and other forms of modules are refused."""

import json
import shutil
import subprocess

import pytest

from service.ui.bundle import bundle_modules
from tests.patience import PATIENCE_S

ENTRY = """/** Adds. */

import { add, LIMIT as most } from "./sums.js";
import { name } from "./words.js";

const limit = 1;
console.log(JSON.stringify([add(limit, most), name]));
"""
SUMS = """/** Sums. */

import { name as word } from "./words.js";

const limit = 40;
export const LIMIT = limit;

/**
 * @param {number} one
 */
export function add(one, other) {
  /** @type {string} */
  const text = /** @type {any} */ (`*/ ${word} /**`);
  return one + other + text.length;
}
"""
WORDS = "/** Words. */\n\nlet made = 0;\nmade += 1;\nexport const name = `word ${made}`;\n"


def test_the_script_does_what_the_modules_do_and_each_runs_once():
    script = bundle_modules({"main.js": ENTRY, "sums.js": SUMS, "words.js": WORDS}, "main.js")
    assert "Adds" not in script
    if node := shutil.which("node"):
        done = subprocess.run(
            [node, "--input-type=module", "-"],
            input=script,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert json.loads(done.stdout) == [1 + 40 + len("*/ word 1 /**"), "word 1"]


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({"main.js": 'import words from "./words.js";\n'}, "main.js: .import words from"),
        ({"main.js": 'import * as words from "./words.js";\n'}, "main.js: .import"),
        ({"main.js": 'void import("./words.js");\n'}, "main.js: .import"),
        ({"main.js": "export let count = 1;\n"}, "main.js: .export let"),
        ({"main.js": "export default 1;\n"}, "main.js: .export default"),
        ({"main.js": 'import { a } from "./gone.js";\n'}, "main.js imports gone.js, which is not there"),
        ({}, "The page imports main.js"),
        (
            {"main.js": 'import { a } from "./b.js";\n', "b.js": 'import { c } from "./main.js";\n'},
            "main.js imports b.js imports main.js",
        ),
    ],
)
def test_a_form_that_it_does_not_know_is_refused_by_name(modules, said):
    with pytest.raises(ValueError, match=said):
        bundle_modules(modules, "main.js")
