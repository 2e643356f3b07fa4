/** What the store holds: models, their versions, and what each version is. */

import { askPatiently } from "./api.js";

/**
 * @typedef {object} Version A version's manifest, as far as the page reads it.
 * @property {string} name
 * @property {string} version
 * @property {string} reference `NAME@VERSION`.
 * @property {{height: number, width: number, channels: number}} image
 * @property {string[]} classes
 * @property {string[]} directions Their names, strongest first.
 * @property {any} manifest All of it.
 */
/** @typedef {{name: string, versions: string[], aliases: Record<string, {version: string}>, error?: string}} Model */

/** @type {{default: string | null, models: Model[]}} */
let listed = { default: null, models: [] };
/** @type {Map<string, Promise<any>>} */
const asked = new Map();

/** Find out which models there are: the document may say it already. @returns {Promise<typeof listed>} */
export async function loadCatalog() {
  const { catalog, version } = readBeginning();
  if (version) asked.set(`manifest ${version.name}@${version.version}`, Promise.resolve(read(version)));
  listed = catalog ?? (await (await askPatiently("models")).json());
  return listed;
}

/** @returns {{catalog?: typeof listed, version?: any}} */
function readBeginning() {
  return JSON.parse(document.getElementById("beginning")?.textContent ?? "{}");
}

/** @returns {typeof listed} */
export function catalog() {
  return listed;
}

/** `NAME@VERSION` of what a name means now; null where the store has no such thing. @param {string} text */
export function resolve(text) {
  const [name, selector = "production"] = (text || listed.default || listed.models[0]?.name || "").split("@");
  const model = listed.models.find((each) => each.name === name);
  if (!model) return null;
  const alias = Object.hasOwn(model.aliases, selector) ? model.aliases[selector].version : null;
  const version = alias ?? (model.versions.includes(selector) ? selector : null);
  const newest = text.includes("@") ? undefined : model.versions.at(-1); // nothing is in production yet
  return version ?? newest ? `${name}@${version ?? newest}` : null;
}

/** What a version is. @param {string} reference `NAME@VERSION`. @returns {Promise<Version>} */
export function describe(reference) {
  return remember(`manifest ${reference}`, async () => {
    let manifest = await (await askPatiently(addressOf(reference))).json();
    if (!manifest.directions && manifest.files.some((/** @type {{path: string}} */ file) => file.path === "directions.npz")) {
      // Their names are told once the version is in memory; a picture brings it there.
      await askPatiently("generate", { body: { model: reference, seeds: [0], format: "npy" } });
      manifest = await (await askPatiently(addressOf(reference))).json();
    }
    return read(manifest);
  });
}

/** @param {any} manifest @returns {Version} */
function read(manifest) {
  const { name, version, image } = manifest;
  const [classes, directions] = [manifest.label?.classes ?? [], manifest.directions ?? []];
  return { name, version, reference: `${name}@${version}`, image, classes, directions, manifest };
}

/** The path of a version in the API. @param {string} reference @returns {string} */
export function addressOf(reference) {
  const [name, version] = reference.split("@");
  return `models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;
}

/** @template T @param {string} key @param {() => Promise<T>} load @returns {Promise<T>} */
function remember(key, load) {
  let promise = asked.get(key);
  if (!promise) {
    promise = load();
    asked.set(key, promise);
    promise.catch(() => asked.delete(key));
  }
  return promise;
}
