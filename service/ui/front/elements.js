/** Making elements without ever parsing HTML: whatever a model is called, it is a text. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] `class`, `on…` listeners, `data` attributes, properties and attributes.
 * @param {...(Node|string|null|undefined)} children
 * @returns {any} The element.
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {any} */ (value));
    else if (name === "class") element.className = String(value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && !name.includes("-") && name !== "list") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * @param {string} label What it does, for who cannot see it.
 * @param {string} sign What is seen.
 * @param {() => void} act
 * @param {Record<string, unknown>} [properties]
 * @returns {HTMLButtonElement}
 */
export function makeButton(label, sign, act, properties = {}) {
  const named = label === sign ? {} : { "aria-label": label, title: label };
  return make("button", { type: "button", onclick: act, ...named, ...properties }, sign);
}

/** Whether the visitor asked for little movement. @returns {boolean} */
export function wantsStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
