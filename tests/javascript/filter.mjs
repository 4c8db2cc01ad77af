/** The filter of a bundle: which serials admit nowhere. */

import { createHash } from "node:crypto";

const MAGIC = "BPF1";

/** The levels of a filter, outermost first, and its salt. */
export function parse(bytes) {
  if (bytes.toString("latin1", 0, 4) !== MAGIC) throw new Error("no filter");
  const levels = [];
  let at = 13;
  for (let level = 0; level < bytes[12]; level += 1) {
    const [hashes, size] = [bytes[at], bytes.readUInt32BE(at + 1)];
    const end = at + 5 + Math.ceil(size / 8);
    levels.push({ hashes, size, bits: bytes.subarray(at + 5, end) });
    at = end;
  }
  return { salt: bytes.subarray(4, 12), levels };
}

/** Whether a filter refuses a serial of 16 hexadecimal digits. */
export function refuses({ salt, levels }, serial) {
  const key = Buffer.from(serial, "hex");
  const first = levels.findIndex((level, n) => !holds(level, salt, n, key));
  return (first === -1 ? levels.length : first) % 2 === 1;
}

function holds({ hashes, size, bits }, salt, level, key) {
  const digest = createHash("sha256").update(salt).update(Buffer.from([level])).update(key).digest();
  const [a, b] = [digest.readUInt32BE(0), digest.readUInt32BE(4) | 1];
  for (let n = 0; n < hashes; n += 1) {
    const bit = ((a + Math.imul(n, b)) >>> 0) % size;
    if (((bits[bit >> 3] >> (bit & 7)) & 1) === 0) return false;
  }
  return true;
}
