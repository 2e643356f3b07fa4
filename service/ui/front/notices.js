/** What the page says in words: what went wrong, and what was done. */

import { make, makeButton } from "./elements.js";

const LIMIT = 3;

/**
 * Say a sentence for a while.
 * @param {string} sentence
 * @param {{forS?: number, id?: string, action?: {label: string, act: () => void}}} [options] One of the same `id` is replaced.
 * @returns {() => void} What takes it away.
 */
export function say(sentence, { forS = 6, id = sentence, action } = {}) {
  const place = /** @type {HTMLElement} */ (document.getElementById("notices"));
  const before = [...place.children].find((child) => /** @type {HTMLElement} */ (child).dataset.id === id);
  const close = () => notice.remove();
  const notice = make(
    "p",
    { class: "notice", data: { id } },
    sentence,
    action ? makeButton(action.label, action.label, () => (close(), action.act())) : null,
    makeButton("Close this message", "×", close, { class: "plain" }),
  );
  if (before) before.replaceWith(notice);
  else place.append(notice);
  while (place.children.length > LIMIT) place.firstElementChild?.remove();
  if (forS) setTimeout(close, 1000 * forS);
  return close;
}
