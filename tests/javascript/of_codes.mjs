/** Answers each vector of `codes.json`, which comes in on standard input. */

import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import { text } from "node:stream/consumers";
import { read } from "./codes.mjs";

const given = JSON.parse(await text(process.stdin));
const master = Buffer.from(given.keys.master, "hex");

/** The public key of a 32-byte seed: PKCS #8 is these 16 bytes before it (RFC 8410). */
function ofSeed(seed) {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  return createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

const signing = new Map(
  given.keys.signing.map((each) => [
    each.id,
    { key: ofSeed(each.private), lastDay: each.last_day },
  ]),
);
const keys = {
  signing: (id) => signing.get(id),
  ofDay: (day) => Buffer.from(hkdfSync("sha256", master, "", `BP1 day${day}`, 32)),
};

const answers = given.vectors.map(({ name, now, text: scanned }) => {
  const { code, reason } = read(scanned, Date.parse(now), keys);
  return reason === undefined ? { name, code } : { name, reason };
});
process.stdout.write(JSON.stringify(answers));
