/** Our own API, called as anyone calls it: problems become sentences, and what can be tried again is. */

import { askForKey, readKey } from "./keys.js";
import { say } from "./notices.js";

/** Where the API is: one folder above the page, behind whatever prefix. */
export const BASE = new URL("../", document.baseURI);
const TRIES = 6;
const LONGEST_S = 60;
const AGAIN = new Set([429, 502, 503, 504]);

/** What the API refused, in its own words. */
export class Problem extends Error {
  /**
   * @param {number} status 0 where nothing answered.
   * @param {string} detail
   * @param {string} code
   * @param {number | null} retryAfterS
   * @param {string} [field] Which one is wrong, where one is.
   */
  constructor(status, detail, code, retryAfterS, field = "") {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
    this.field = field;
  }
}

/** Whether an error says only that nobody waits any more. @param {unknown} error */
export function isAborted(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/**
 * One request, without a second try.
 * @param {string} path Relative to the API's root, such as `generate`.
 * @param {{body?: unknown, signal?: AbortSignal}} [options] With a body it is a POST.
 * @returns {Promise<Response>}
 * @throws {Problem} It was refused, or nothing answered.
 */
export async function ask(path, { body, signal } = {}) {
  const key = readKey();
  /** @type {Record<string, string>} */
  const headers = key ? { "X-Api-Key": key } : {};
  const file = body instanceof Blob ? body : undefined; // its media type is the browser's to say
  if (body !== undefined && !file) headers["Content-Type"] = "application/json";
  const method = body === undefined ? "GET" : "POST";
  let response;
  try {
    response = await fetch(new URL(path, BASE), { method, headers, signal, body: file ?? JSON.stringify(body) });
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new Problem(0, "The service does not answer. Is it running, and is the network there?", "no-answer", null);
  }
  if (response.ok) return response;
  throw await readProblem(response);
}

/**
 * The same, tried again where the answer says that it may come: after `Retry-After`, or a while that grows.
 * A wrong or missing key is asked for.
 * @param {string} path
 * @param {{body?: unknown, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>}
 */
export async function askPatiently(path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(path, options);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401 || error.status === 403) {
        await askForKey(error.status === 403 || readKey() ? error.message : "");
        continue;
      }
      const waitS = error.retryAfterS ?? Math.min(8, 2 ** attempt / 2);
      if (attempt >= TRIES || waitS > LONGEST_S || !(AGAIN.has(error.status) || error.status === 0)) throw error;
      const unsay = say(`${error.message} Trying again in ${Math.ceil(waitS)} s.`, { id: "again", forS: 0 });
      try {
        await pause(waitS, options.signal);
      } finally {
        unsay();
      }
    }
  }
}

/** Whether a request was refused for how much it asks for: half of it may be let in. @param {unknown} error */
export function asksTooMuch(error) {
  return error instanceof Problem && error.status === 422 && ["seeds", "frames", "scale", "format"].includes(error.field);
}

/** Say what went wrong, unless nobody waits for it any more. @param {unknown} error */
export function report(error) {
  if (isAborted(error)) return;
  const wait = error instanceof Problem && error.retryAfterS ? ` It may work in ${error.retryAfterS} s.` : "";
  say(`${error instanceof Error ? error.message : String(error)}${wait}`, { forS: 12 });
}

/** @param {Response} response */
async function readProblem(response) {
  const after = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  const retryAfterS = Number.isFinite(after) ? Math.max(1, after) : null;
  let told = { detail: "", code: "", field: "" };
  try {
    told = await response.json();
  } catch {
    // A proxy in between has no words for us.
  }
  const detail = typeof told?.detail === "string" && told.detail ? told.detail : `The answer was ${response.status}.`;
  return new Problem(response.status, detail, String(told?.code ?? ""), retryAfterS, String(told?.field ?? ""));
}

/**
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const leave = () => (clearTimeout(timer), reject(new DOMException("left", "AbortError")));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", leave), resolve()), 1000 * seconds);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
  });
}
