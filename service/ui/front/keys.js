/** The visitor's API key: asked for once, kept as long as the tab lives, sent as a header and nowhere else. */

import { make } from "./elements.js";

const NAME = "ganymede-key";
/** @type {Promise<void> | null} */
let asking = null;
let typed = "";

/** @returns {string} The key, or nothing. */
export function readKey() {
  try {
    return sessionStorage.getItem(NAME) ?? typed;
  } catch {
    return typed; // storage is off
  }
}

/** @param {string} key */
function keepKey(key) {
  typed = key;
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // The key lives as long as the page then.
  }
}

/**
 * Ask for the key in a dialog; whoever asks meanwhile waits for the same one.
 * @param {string} [reason] What was wrong with the last one.
 * @returns {Promise<void>}
 */
export function askForKey(reason = "") {
  asking ??= new Promise((resolve) => {
    const field = make("input", {
      type: "password", id: "key", required: true, autocomplete: "current-password", maxLength: 1024, spellcheck: false,
    });
    const told = make("p", { class: "reason", role: "alert" }, reason);
    const dialog = make(
      "dialog",
      { class: "ask-key", "aria-labelledby": "key-title", oncancel: (/** @type {Event} */ event) => event.preventDefault() },
      make(
        "form",
        {
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            if (!isSendable(field.value.trim())) {
              told.textContent = "A key has letters, digits and signs of ASCII.";
              return;
            }
            keepKey(field.value.trim());
            dialog.close();
            dialog.remove();
            asking = null;
            resolve();
          },
        },
        make("h2", { id: "key-title" }, "This service asks for a key"),
        make("p", {}, "It is kept in this tab until you close it."),
        make("label", { htmlFor: "key" }, "API key"),
        field,
        told,
        make("button", { type: "submit", class: "strong" }, "Go on"),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
  return asking;
}

/** Whether it can stand in a header. @param {string} key */
function isSendable(key) {
  return /^[\x21-\x7e]{1,1024}$/.test(key);
}
