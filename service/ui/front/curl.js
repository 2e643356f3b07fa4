/** The shell lines that get the same from the API. */

import { BASE } from "./api.js";
import { readKey } from "./keys.js";

/** @param {string} text @returns {string} A word for a POSIX shell, whatever it holds. */
export function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * @param {string} path
 * @param {Record<string, unknown>} body
 * @param {string} output
 * @returns {string} A line to paste; a key is read from the variable GANYMEDE_KEY, so that no link or screen shows it.
 */
export function curlPost(path, body, output) {
  const key = readKey() ? ' -H "X-Api-Key: $GANYMEDE_KEY"' : "";
  const json = "-H 'Content-Type: application/json'";
  return `curl -f -X POST ${quote(new URL(path, BASE).href)} ${json}${key} -d ${quote(JSON.stringify(body))} -o ${quote(output)}`;
}
