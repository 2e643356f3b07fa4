/** What pictures are drawn with beside their seeds: the fields of a request, and a word for each look. */

/** @typedef {import("./address.js").Look} Look */
/** @typedef {import("./catalog.js").Version} Version */

/**
 * The fields of a look that `/generate` and `/latent-walk` take.
 * @param {Look} look
 * @param {Version} version
 * @returns {Record<string, unknown>}
 */
export function fieldsOf(look, version) {
  /** @type {Record<string, unknown>} */
  const fields = { model: version.reference };
  const label = labelOf(look, version);
  if (label !== null) fields.label = label;
  if (look.truncation !== 1) fields.truncation = look.truncation;
  const moved = Object.entries(look.directions).filter(([, amount]) => amount);
  if (moved.length) fields.directions = Object.fromEntries(moved);
  return fields;
}

/** A class by its name, or a weight for each; null lets the seed say. @param {Look} look @param {Version} version */
export function labelOf(look, version) {
  const index = version.classes.indexOf(look.label);
  if (index < 0) return null;
  const other = version.classes.indexOf(look.blend);
  if (other < 0 || other === index || !look.share) return look.label;
  return version.classes.map((_, each) => round(each === index ? 1 - look.share : each === other ? look.share : 0));
}

/** The look without what this version does not know, and what that was. @param {Look} look @param {Version} version */
export function fit(look, version) {
  const label = version.classes.includes(look.label) ? look.label : "";
  const blend = label && label !== look.blend && version.classes.includes(look.blend) ? look.blend : "";
  const { directions } = version;
  const known = Object.entries(look.directions).filter(([name]) => directions.includes(name));
  const unknown = Object.keys(look.directions).filter((name) => !directions.includes(name));
  if (look.label !== label) unknown.push(look.label);
  return { fitting: { label, blend, directions: Object.fromEntries(known) }, unknown };
}

/** One text for a look, equal for equal ones. @param {Look} look @param {Version} version */
export function nameLook(look, version) {
  return JSON.stringify(fieldsOf(look, version));
}

/** @param {number} number */
function round(number) {
  return Math.round(number * 1e4) / 1e4;
}
