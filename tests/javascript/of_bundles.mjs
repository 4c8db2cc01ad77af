/** Answers each vector of `bundle.json`, which comes in on standard input. */

import { text } from "node:stream/consumers";
import { contents, documents, NotTaken, take } from "./bundle.mjs";
import { publicKey } from "./codes.mjs";
import { decide } from "./deciding.mjs";
import { parse, refuses } from "./filter.mjs";

const given = JSON.parse(await text(process.stdin));
const raw = (written) => Buffer.from(written, "base64");
const keys = new Map(given.trusted.map((each) => [each.id, publicKey(raw(each.public))]));

const taken = new Map();
const bundles = given.bundles.map(({ name, raw: bytes, spot, held, newest }) => {
  try {
    const bundle = take(raw(bytes), { keys, spot, held: held.map(raw), newest });
    taken.set(name, bundle);
    return { name, refused: null, holds: documents(bundle.parts) };
  } catch (error) {
    if (error instanceof NotTaken) return { name, refused: error.message };
    throw error;
  }
});
const filters = given.filters.map(({ raw: bytes, questions }) => {
  const filter = parse(raw(bytes));
  return questions.map(({ serial }) => refuses(filter, serial));
});
const decisions = given.decisions.map((asked) => ({
  name: asked.name,
  verdict: decide(contents(taken.get(asked.bundle)), asked),
}));
process.stdout.write(JSON.stringify({ bundles, filters, decisions }));
