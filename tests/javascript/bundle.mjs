/** A bundle: its bytes, who signed it, and whether it may take the place of the one before. */

import { createHash, verify } from "node:crypto";
import { inflateSync } from "node:zlib";
import { parse } from "./filter.mjs";

const MAGIC = Buffer.from("BPB1");
const KEY_AT = 4;
const SIGNATURE_AT = 5;
const LENGTH_AT = 69;
const FORMAT = 1;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Why a gate goes on with the bundle that it has: one of the words of `tests/vectors/README.md`. */
export class NotTaken extends Error {}

/** The bytes after a length of four, and where they end. */
function counted(bytes, at) {
  if (at + 4 > bytes.length) throw new NotTaken("malformed");
  const end = at + 4 + bytes.readUInt32BE(at);
  if (end > bytes.length) throw new NotTaken("malformed");
  return { content: bytes.subarray(at + 4, end), end };
}

/**
 * What a bundle holds: its `manifest`, its `parts` as bytes, by name, and its `etag`.
 *
 * The gate knows bundle `keys` by id, stands at `spot`, holds parts (`held`), and has taken `newest`
 * as its newest version, or null. Throws `NotTaken`.
 */
export function take(bytes, { keys, spot, held, newest }) {
  if (!bytes.subarray(0, KEY_AT).equals(MAGIC)) throw new NotTaken("malformed");
  const { content, end } = counted(bytes, LENGTH_AT);

  const key = keys.get(bytes[KEY_AT]);
  if (key === undefined) throw new NotTaken("unknown_key");
  const signature = bytes.subarray(SIGNATURE_AT, LENGTH_AT);
  if (!verify(null, Buffer.concat([MAGIC, content]), key, signature)) throw new NotTaken("forged");

  const manifest = JSON.parse(content.toString("utf8"));
  if (manifest.format !== FORMAT) throw new NotTaken("unknown_format");
  if (manifest.spot !== spot) throw new NotTaken("other_spot");
  if (newest !== null && isOlder(manifest, newest)) throw new NotTaken("older");

  const parts = partsOf(manifest, bytes.subarray(end), held);
  return { manifest, parts, etag: sha256(content).slice(0, 16) };
}

function isOlder(version, than) {
  if (version.epoch !== than.epoch) return version.epoch < than.epoch;
  return version.number < than.number;
}

/** The parts of a manifest, by name: those that are held already, and those that were sent. */
function partsOf(manifest, sent, held) {
  const ours = new Map(held.map((part) => [sha256(part), part]));
  const parts = new Map();
  let at = 0;
  for (const { name, sha256: digest } of manifest.parts) {
    let part = ours.get(digest);
    if (part === undefined) {
      if (at === sent.length) throw new NotTaken("missing_part");
      ({ content: part, end: at } = counted(sent, at));
      if (sha256(part) !== digest) throw new NotTaken("damaged_part");
    }
    parts.set(name, part);
  }
  if (at !== sent.length) throw new NotTaken("malformed");
  return parts;
}

/** The documents in the parts of a bundle, by name; all but the filter. */
export function documents(parts) {
  const found = {};
  for (const [name, part] of parts) {
    if (name !== "filter") found[name] = JSON.parse(inflateSync(part).toString("utf8"));
  }
  return found;
}

/** All that a gate decides by: the manifest, the documents, and the filter. */
export function contents({ manifest, parts }) {
  const held = documents(parts);
  return { ...held, manifest, filter: parse(parts.get("filter")), states: states(held) };
}

/** The state of each serial that was here today: the last hour counts. */
function states(held) {
  const hours = Object.keys(held).filter((name) => name.startsWith("day:"));
  return Object.assign({}, ...hours.sort().map((hour) => held[hour]));
}
