/** A bundle: its bytes, who signed it, and whether it may take the place of the one before. */

import { createHash, verify } from "node:crypto";
import { inflateSync } from "node:zlib";

const MAGIC = Buffer.from("BPB1");
const KEY_AT = 4;
const SIGNATURE_AT = 5;
const LENGTH_AT = 69;
const MANIFEST_AT = 73;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** What a gate does with bytes that are no bundle for it; `why` is a word for the log. */
export class NotTaken extends Error {}

/** The bytes after a length of four, and where they end. */
function counted(bytes, at) {
  if (at + 4 > bytes.length) throw new NotTaken("cut_short");
  const end = at + 4 + bytes.readUInt32BE(at);
  if (end > bytes.length) throw new NotTaken("cut_short");
  return { content: bytes.subarray(at + 4, end), end };
}

/**
 * The manifest of a bundle and its parts by name, as bytes.
 *
 * `keys` gives the public key of a bundle key by its id, `held` the parts that the gate has already
 * by their SHA-256. Throws `NotTaken`.
 */
export function open(bytes, keys, held) {
  if (!bytes.subarray(0, KEY_AT).equals(MAGIC)) throw new NotTaken("no_bundle");
  const { content, end } = counted(bytes, LENGTH_AT);
  const key = keys.get(bytes[KEY_AT]);
  const signature = bytes.subarray(SIGNATURE_AT, LENGTH_AT);
  if (key === undefined || !verify(null, Buffer.concat([MAGIC, content]), key, signature)) {
    throw new NotTaken("not_signed");
  }
  const manifest = JSON.parse(content.toString("utf8"));
  const parts = new Map();
  let at = end;
  for (const { name, sha256: digest, bytes: length } of manifest.parts) {
    let part = held.get(digest);
    if (part === undefined) ({ content: part, end: at } = counted(bytes, at));
    if (part.length !== length || sha256(part) !== digest) throw new NotTaken("part_changed");
    parts.set(name, part);
  }
  if (at !== bytes.length) throw new NotTaken("too_long");
  return { manifest, parts, etag: sha256(content).slice(0, 16) };
}

/** The document in a part. */
export function document(part) {
  return JSON.parse(inflateSync(part).toString("utf8"));
}

/** Whether a manifest is of the same spot as the one before, and no older. */
export function follows(manifest, before) {
  if (manifest.spot !== before.spot) return false;
  if (manifest.epoch !== before.epoch) return manifest.epoch > before.epoch;
  return manifest.number >= before.number;
}
