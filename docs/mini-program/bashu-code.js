/* Shows a pass without a network (docs/phone-protocol.md). Plain ES2017: no package, and nothing but the language.
 *
 *   // With signal: `code` is the answer of GET /api/v1/passes/{id}/code. Keep it and `skew`, they serve for a week.
 *   const skew = Date.parse(code.server_time) - Date.now();
 *   function draw(now = Date.now()) { // on a white canvas of 49 * 6 pixels: 41 modules, 4 white on every side
 *     const text = codeText(code, now, skew);
 *     if (text === null) return fetchAgain(); // no key for today; the last one ends at keysEndMs(code) - skew
 *     qrMatrix(text).forEach((row, y) => row.forEach((dark, x) => dark && fillRect(x * 6 + 24, y * 6 + 24, 6, 6)));
 *     setTimeout(draw, nextChangeMs(now, skew)); // clear the canvas before the next one
 *   } */
const DAY_MS = 24 * 3600 * 1000;
const SHANGHAI_MS = 8 * 3600 * 1000; // ahead of UTC, all year
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'; // of Base45 and of QR symbols alike

// The text to draw at a moment by the phone's clock; null if its day has no key, and the phone must fetch again.
function codeText(code, nowMs, clockSkewMs = 0) {
  const step = Math.floor((nowMs + clockSkewMs) / 1000 / code.step_seconds);
  const day = new Date(step * code.step_seconds * 1000 + SHANGHAI_MS).toISOString().slice(0, 10);
  const dayKey = code.day_keys.find((each) => each.day === day);
  if (!dayKey) return null;
  const timed = fromBase64(code.signed).concat(bigEndian(step));
  return 'BP1:' + toBase45(timed.concat(hmacSha256(fromBase64(dayKey.key), timed).slice(0, 8)));
}

// For how many milliseconds the text of this moment is still the one to show: more than 0, at most a whole step.
const nextChangeMs = (nowMs, clockSkewMs = 0, stepSeconds = 30) =>
  stepSeconds * 1000 - ((nowMs + clockSkewMs) % (stepSeconds * 1000));

// When the last day key ends, at a midnight in Shanghai: milliseconds since 1970 by the server's clock.
const keysEndMs = (code) => Math.max(...code.day_keys.map(({ day }) => Date.parse(day))) + DAY_MS - SHANGHAI_MS;

// Bytes are arrays of numbers, bits are strings of '0' and '1': slow, but plain, and a pass has a hundred bytes.
const range = (n) => Array.from({ length: n }, (_, i) => i);
const chunks = (list, size) => range(Math.ceil(list.length / size)).map((i) => list.slice(i * size, (i + 1) * size));
const binary = (n, width) => n.toString(2).padStart(width, '0');
const bytesOf = (bits) => bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)); // bits left over are padding
const bigEndian = (n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

const digits = (text, alphabet) => Array.from(text, (sign) => {
  if (!alphabet.includes(sign)) throw new Error('a sign outside the alphabet: ' + sign);
  return alphabet.indexOf(sign);
});
const fromBase64 = (text) => bytesOf(digits(text.replace(/=+$/, ''), BASE64).map((n) => binary(n, 6)).join(''));

function toBase45(bytes) { // RFC 9285: two bytes become three signs, a last single byte two, the lowest digit first
  const signs = (n, count) => range(count).map((i) => ALPHANUMERIC[Math.floor(n / 45 ** i) % 45]).join('');
  return chunks(bytes, 2).map(([a, b]) => (b === undefined ? signs(a, 2) : signs(a * 256 + b, 3))).join('');
}

// SHA-256 (FIPS 180-4). Its constants: 32 bits behind the point of the roots of the first 64 primes.
const PRIMES = range(312).filter((n) => n > 1 && range(n).every((d) => d < 2 || n % d));
const fraction = (x) => Math.floor((x % 1) * 2 ** 32);
const ROUND = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const turned = (x, ...by) => by.reduce((sum, n) => sum ^ ((x >>> n) | (x << (32 - n))), 0);

function sha256(bytes) {
  const zeros = new Array((119 - (bytes.length % 64)) % 64).fill(0);
  const padded = bytes.concat(128, zeros, 0, 0, 0, 0, bigEndian(bytes.length * 8));
  return [].concat(...chunks(padded, 64).reduce(mixed, START).map(bigEndian));
}

function mixed(state, block) {
  const w = chunks(block, 4).map((word) => word.reduce((n, byte) => (n << 8) | byte));
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const [x, y] = [w[i - 15], w[i - 2]];
    if (i > 15) w[i] = (w[i - 16] + w[i - 7] + (turned(x, 7, 18) ^ (x >>> 3)) + (turned(y, 17, 19) ^ (y >>> 10))) | 0;
    const t = h + turned(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + ROUND[i] + w[i];
    const u = turned(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [(t + u) | 0, a, b, c, (d + t) | 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) | 0);
}

const sealed = (key, message, pad) => sha256(range(64).map((i) => key[i] ^ pad).concat(message));
const hmacSha256 = (key, message) => sealed(key, sealed(key, message, 0x36), 0x5c); // RFC 2104, keys of up to 64 bytes

// A QR symbol (ISO/IEC 18004) of version 6, level M: 41 rows of 0 and 1, 1 is dark, without the quiet zone.
const [SIZE, BLOCKS, DATA_BYTES, CHECK_BYTES] = [41, 4, 27, 16]; // modules; blocks, and the bytes of each

function qrMatrix(text) {
  const bits = codewords(text).map((byte) => binary(byte, 8)).join('') + '0000000'; // and 7 modules that remain
  const symbols = MASKS.map((mask, number) => drawn(bits, mask, number));
  const points = symbols.map(penalty);
  return symbols[points.indexOf(Math.min(...points))];
}

function codewords(text) {
  const pairs = chunks(digits(text, ALPHANUMERIC), 2);
  const written = pairs.map(([a, b]) => (b === undefined ? binary(a, 6) : binary(a * 45 + b, 11))).join('');
  const [bits, room] = ['0010' + binary(text.length, 9) + written, BLOCKS * DATA_BYTES * 8];
  if (bits.length > room) throw new Error('too long for version 6: ' + text.length + ' signs');
  const ended = bits + '0000'; // for which there is always room: 154 signs leave 4 bits
  const data = bytesOf(ended.padEnd(Math.ceil(ended.length / 8) * 8, '0').padEnd(room, '1110110000010001'));
  const interleaved = (blocks) => [].concat(...blocks[0].map((_, i) => blocks.map((block) => block[i])));
  return interleaved(chunks(data, DATA_BYTES)).concat(interleaved(chunks(data, DATA_BYTES).map(checkBytes)));
}

// Reed-Solomon over GF(256), modulo x^8 + x^4 + x^3 + x^2 + 1: the remainder by (x - 1)(x - 2)(x - 4)(x - 8)...
const times = (a, b) => range(8).reduceRight((n, i) => (n << 1) ^ (n & 128 && 0x11d) ^ ((b >> i) & 1 && a), 0);
const ROOTS = range(CHECK_BYTES).map((power) => range(power).reduce((root) => times(root, 2), 1));
const DIVISOR = ROOTS.reduce((poly, root) => poly.concat(0).map((n, i) => n ^ times(i && poly[i - 1], root)), [1]);
const divided = (rest) => rest.map((n, i) => n ^ times(DIVISOR[i] || 0, rest[0])).slice(1);
const checkBytes = (data) => data.reduce(divided, data.concat(new Array(CHECK_BYTES).fill(0)));

const MASKS = [
  (y, x) => (y + x) % 2 === 0, (y) => y % 2 === 0, (y, x) => x % 3 === 0, (y, x) => (y + x) % 3 === 0,
  (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0, (y, x) => (y * x) % 6 === 0,
  (y, x) => (y * x) % 6 < 3, (y, x) => (y + x + ((y * x) % 3)) % 2 === 0,
];
const formatBits = (mask) => // level M is 00; BCH(15, 5)
  range(5).reduceRight((n, i) => ((n >> (i + 10)) & 1 ? n ^ (0x537 << i) : n), mask << 10) ^ (mask << 10) ^ 0x5412;

function drawn(bits, mask, number) {
  const grid = range(SIZE).map((y) => range(SIZE).map((x) => (x === 6 || y === 6 ? (x + y + 1) % 2 : null))); // timing
  const square = (cy, cx, radius, light) => grid.forEach((row, y) => row.forEach((_, x) => {
    const ring = Math.max(Math.abs(y - cy), Math.abs(x - cx));
    if (ring <= radius) row[x] = light.includes(ring) ? 0 : 1;
  }));
  [[3, 3], [3, 37], [37, 3]].forEach(([y, x]) => square(y, x, 4, [2, 4])); // finders, and the light around them
  square(34, 34, 2, [1]); // alignment
  range(15).forEach((i) => { // format: once around the upper left finder, once half at each of the others
    const bit = (formatBits(number) >> i) & 1;
    if (i < 8) grid[i < 6 ? i : i + 1][8] = grid[8][SIZE - 1 - i] = bit;
    else grid[8][i === 8 ? 7 : 14 - i] = grid[SIZE - 15 + i][8] = bit;
  });
  grid[SIZE - 8][8] = 1; // always
  let n = 0;
  const columns = chunks(range(SIZE).reverse().filter((x) => x !== 6), 2); // data go up the first two, down the next
  columns.forEach((pair, turn) => range(SIZE).forEach((step) => pair.forEach((x) => {
    const y = turn % 2 ? step : SIZE - 1 - step;
    if (grid[y][x] === null) grid[y][x] = Number(bits[n++]) ^ mask(y, x);
  })));
  return grid;
}

function penalty(grid) {
  const rows = grid.map((row) => row.join(''));
  const lines = rows.concat(range(SIZE).map((x) => grid.map((row) => row[x]).join('')));
  const found = (pattern, where) => [].concat(...where.map((line) => line.match(pattern) || []));
  const runs = found(/0{5,}|1{5,}/g, lines).reduce((sum, run) => sum + run.length - 2, 0);
  const sums = grid.slice(1).map((row, y) => row.map((dark, x) => dark + grid[y][x]).join(''));
  const [squares, finders] = [found(/(?=00|22)/g, sums), found(/(?=10111010000|00001011101)/g, lines)];
  const imbalance = Math.abs(found(/1/g, rows).length / SIZE ** 2 - 0.5);
  return runs + 3 * squares.length + 40 * finders.length + 10 * Math.floor(imbalance * 20);
}

module.exports = { codeText, nextChangeMs, keysEndMs, qrMatrix, fromBase64, toBase45, sha256, hmacSha256 };
