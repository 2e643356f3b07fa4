/** To the visitor's disk and clipboard. */

import { askPatiently, report } from "./api.js";
import { make } from "./elements.js";
import { say } from "./notices.js";

const REVOKED_AFTER_MS = 60_000;

/**
 * Ask the API for a file and let the browser save it.
 * @param {string} path
 * @param {unknown} body
 * @param {string} name
 */
export async function save(path, body, name) {
  const unsay = say(`${name} is being made…`, { id: "saving", forS: 0 });
  try {
    saveBlob(await (await askPatiently(path, { body })).blob(), name);
  } catch (error) {
    report(error);
  } finally {
    unsay();
  }
}

/** @param {Blob} blob @param {string} name */
export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), REVOKED_AFTER_MS);
}

/** @param {string} text @param {string} what */
export async function copy(text, what) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyByHand(text);
    say(`${what} is copied.`, { forS: 3, id: "copied" });
  } catch {
    copyByHand(text);
  }
}

/** Without HTTPS there is no clipboard to write to: the text is shown, chosen, to be copied. @param {string} text */
function copyByHand(text) {
  const field = make("textarea", { readOnly: true, rows: 4, "aria-label": "To copy" }, text);
  field.value = text;
  const dialog = make(
    "dialog",
    { class: "by-hand", "aria-label": "To copy", onclose: () => dialog.remove() },
    field,
    make("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  );
  document.body.append(dialog);
  dialog.showModal();
  field.select();
}

/** A name for a file of these pictures. @param {string} reference @param {string} what @param {string} ending */
export function nameFile(reference, what, ending) {
  return `${reference}-${what}.${ending}`.replace(/[^\w.@-]+/g, "-");
}
