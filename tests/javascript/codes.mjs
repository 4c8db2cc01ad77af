/** What a code says and whether it is genuine and fresh: docs/adr/0004-code-format.md. */

import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { decode } from "./base45.mjs";
import { businessDay, dayOfCode } from "./days.mjs";

const PREFIX = "BP1:";
const SIGNED = 83;
const STEP_AT = SIGNED;
const MAC_AT = 87;
const WHOLE = 95;
const ROTATING = 1;
const PAY_AT_WINDOW = 2;
export const STEP = 30_000;

/** An Ed25519 public key for `node:crypto`, of its 32 bytes. */
export function publicKey(raw) {
  const x = raw.toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** The text as it stands in the picture: what scanners add or change is taken back. */
export function asShown(text) {
  return text
    .normalize("NFKC") // full width, no-break spaces
    .replace(/(?![\t\r\n])[\p{Cc}\p{Cf}]/gu, "") // STX, ETX, GS, NUL, byte order marks
    .trim()
    .replace(/^\][A-Za-z][0-9A-Za-z]/, "") // an AIM identifier
    .replace(/^\\[0-9]{6}/, "") // the character set
    .toUpperCase();
}

/** The fields of bytes that have the form of a code; null if they do not. */
function parse(bytes) {
  const flags = bytes?.[17];
  const length = flags & ROTATING ? WHOLE : SIGNED;
  const sound = bytes?.length === length && bytes[0] === 1 && flags <= 3 && bytes[18] === 0;
  if (!sound) return null;
  return {
    key_id: bytes[1],
    pass_id: bytes.toString("hex", 2, 10),
    product_number: bytes.readUInt16BE(10),
    first_day: dayOfCode(bytes.readUInt16BE(12)),
    last_day: dayOfCode(bytes.readUInt16BE(14)),
    party: bytes[16],
    rotating: (flags & ROTATING) !== 0,
    pay_at_window: (flags & PAY_AT_WINDOW) !== 0,
  };
}

function signatureHolds(bytes, key) {
  const message = Buffer.concat([Buffer.from("BP1"), bytes.subarray(0, 19)]);
  return verify(null, message, key, bytes.subarray(19, SIGNED));
}

function macHolds(bytes, dayKey) {
  const passDayKey = createHmac("sha256", dayKey).update(bytes.subarray(2, 10)).digest();
  const mac = createHmac("sha256", passDayKey).update(bytes.subarray(0, MAC_AT)).digest();
  return timingSafeEqual(mac.subarray(0, WHOLE - MAC_AT), bytes.subarray(MAC_AT));
}

/**
 * Read a scanned text at an instant in milliseconds.
 *
 * `keys.signing` gives `{ key, lastDay }` by key id, `keys.ofDay` the key of a business day; what
 * they do not have is undefined. The answer has `code`, and `step` of a rotating one; and a `reason`
 * against it. A code that is ours is told also where it is stale, or its key has ended.
 */
export function read(text, now, keys) {
  const shown = asShown(text);
  const bytes = shown.startsWith(PREFIX) ? decode(shown.slice(PREFIX.length)) : null;
  const code = parse(bytes);
  if (code === null) return { reason: "code_malformed" };

  const signing = keys.signing(code.key_id);
  if (signing === undefined || !signatureHolds(bytes, signing.key)) return FORGED;
  const step = code.rotating ? bytes.readUInt32BE(STEP_AT) : undefined;
  if (businessDay(now) > signing.lastDay) return { code, step, ...FORGED };
  if (!code.rotating) return { code };

  const dayKey = keys.ofDay(businessDay(step * STEP));
  const isFresh = Math.abs(step - Math.floor(now / STEP)) <= 1;
  if (dayKey !== undefined && !macHolds(bytes, dayKey)) return FORGED;
  if (dayKey === undefined || !isFresh) return { code, step, reason: "code_stale" };
  return { code, step };
}

const FORGED = { reason: "code_forged" };
