/** Base45, RFC 9285. */

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** The bytes that a text stands for; null if it is not Base45. */
export function decode(text) {
  const values = [...text].map((character) => ALPHABET.indexOf(character));
  if (values.includes(-1) || values.length % 3 === 1) return null;
  const bytes = [];
  for (let n = 0; n < values.length; n += 3) {
    const [low, middle, high] = values.slice(n, n + 3);
    const number = low + 45 * middle + 45 * 45 * (high ?? 0);
    if (number > (high === undefined ? 0xff : 0xffff)) return null;
    if (high !== undefined) bytes.push(number >> 8);
    bytes.push(number & 0xff);
  }
  return Buffer.from(bytes);
}
