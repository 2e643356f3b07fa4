/** Puts the page together: which view is shown, of which version, and what the address says of it. */

import { report, BASE } from "./api.js";
import { catalog, describe, loadCatalog, resolve } from "./catalog.js";
import { make } from "./elements.js";
import { FavouritesView } from "./favourites-view.js";
import { askForKey, readKey } from "./keys.js";
import { fit } from "./look.js";
import { ModelsView } from "./models-view.js";
import { say } from "./notices.js";
import { openingOf } from "./openings.js";
import { PicturesView } from "./pictures-view.js";
import { addressOf, go, listen, now } from "./state.js";
import { WalkView } from "./walk-view.js";

/** @typedef {import("./address.js").State} State */

const VIEWS = { pictures: PicturesView, walk: WalkView, favourites: FavouritesView, models: ModelsView };
const TITLES = { pictures: "", walk: "Walk · ", favourites: "Favourites · ", models: "Models · " };
const LINKS_REST_MS = 200;
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const chooser = /** @type {HTMLSelectElement} */ (document.getElementById("model"));

/** @type {any} */
let view = null;
let viewName = "";
/** What is shown, for changes to be told from it. @type {State | undefined} */
let shown;
let turn = 0;
let linking = 0;

/** Show a state: find out what it is about, and let its view draw it. @param {State} state */
async function show(state) {
  const mine = ++turn;
  try {
    const reference = resolve(state.model) ?? resolve("");
    if (!reference) return showEmpty();
    if (state.model && !resolve(state.model)) say(`There is no model ${state.model.slice(0, 80)} here; this is ${reference}.`);
    const settled = shown?.model === reference && state.model === reference;
    const version = settled ? shownVersion : await describe(reference);
    if (mine !== turn) return;
    shownVersion = version;
    const complete = settle(state, version);
    if (complete !== state) return go(complete);
    lay(state, version);
  } catch (error) {
    main.removeAttribute("aria-busy");
    report(error);
  }
}

/** @type {any} */
let shownVersion;

/** The state with all that its address left open, and without what this version does not know. @param {State} state @param {any} version @returns {State} */
function settle(state, version) {
  const { reference } = version;
  const { fitting, unknown } = fit(state, version);
  const same = fitting.label === state.label && fitting.blend === state.blend && !unknown.length;
  if (state.model === reference && state.seed !== null && same) return state;
  if (unknown.length) say(`${reference} does not know ${unknown.map((name) => `“${name.slice(0, 40)}”`).join(", ")}.`);
  /** @type {State} */
  const complete = { ...state, ...(same ? {} : fitting), model: reference };
  if (state.seed !== null) return complete;
  const opening = openingOf(reference);
  const plain = !state.label && state.truncation === 1 && !Object.keys(state.directions).length;
  return { ...complete, seed: opening.seed, ...(plain ? { label: opening.label ?? "", truncation: opening.truncation } : {}) };
}

/** @param {State} state @param {any} version */
function lay(state, version) {
  const name = /** @type {keyof typeof VIEWS} */ (state.view);
  const before = name === viewName ? shown : undefined;
  if (name !== viewName) {
    view?.close();
    view = new VIEWS[name]();
    viewName = name;
    main.replaceChildren(view.element);
    if (shown) scrollTo({ top: 0 });
  }
  shown = state;
  document.body.classList.toggle("see-through", version.image.channels % 2 === 0);
  document.title = `${TITLES[name]}${version.name} · Ganymede`;
  clearTimeout(linking);
  linking = setTimeout(() => link(state), before ? LINKS_REST_MS : 0);
  if (chooser.value !== state.model) chooser.value = state.model;
  view.use(state, version, before);
  main.removeAttribute("aria-busy");
}

/** Let the links to the other views lead there with what is shown now. @param {State} state */
function link(state) {
  for (const each of document.querySelectorAll("a[data-view]")) {
    const target = /** @type {HTMLAnchorElement} */ (each);
    target.href = addressOf({ ...state, view: target.dataset.view ?? "", picture: null, at: null });
    if (target.dataset.view === state.view) target.setAttribute("aria-current", "page");
    else target.removeAttribute("aria-current");
  }
}

function showEmpty() {
  view?.close();
  [view, viewName] = [null, ""];
  main.replaceChildren(make("p", { class: "empty" }, "There is no model in the store yet. ", make("a", { href: "../docs" }, "/docs"), " says how to publish one."));
  main.removeAttribute("aria-busy");
}

/** Offer every model, and every version of it. */
function fillChooser() {
  const options = catalog().models.flatMap(({ name, versions, aliases }) =>
    [...versions].reverse().map((version) => {
      const alias = Object.entries(aliases).some(([alias, entry]) => alias === "production" && entry.version === version);
      return make("option", { value: `${name}@${version}` }, alias ? name : `${name} ${version}`);
    }),
  );
  chooser.replaceChildren(...options);
  chooser.addEventListener("change", () => {
    const plain = { label: "", blend: "", truncation: 1, directions: {}, seed: null, at: null, picture: null, keys: [] };
    go({ ...plain, model: chooser.value }, { step: true });
  });
}

/** Links to views change what is shown, and load nothing anew. @param {MouseEvent} event */
function follow(event) {
  const link = /** @type {HTMLElement} */ (event.target).closest?.("a[data-view]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go({ view: /** @type {HTMLElement} */ (link).dataset.view, picture: null, at: null }, { step: true });
}

/** Whether a key has to be asked for: none is kept here, and no proxy or browser brings one. */
async function lacksKey() {
  if (document.documentElement.dataset.key !== "wanted" || readKey()) return false;
  // Without credentials: a browser would ask in its own words.
  const probe = await fetch(new URL("models", BASE), { credentials: "omit" }).catch(() => null);
  return probe?.status === 401;
}

async function begin() {
  if (await lacksKey()) await askForKey();
  try {
    await loadCatalog();
  } catch (error) {
    main.removeAttribute("aria-busy");
    return report(error);
  }
  fillChooser();
  document.addEventListener("click", follow);
  listen((state) => void show(state));
  await show(now());
}

void begin();
