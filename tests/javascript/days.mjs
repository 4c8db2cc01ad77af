/** Business days: dates in Asia/Shanghai, which has had no summer time since 1991. */

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const FIRST_DAY_OF_CODES = Date.UTC(2020, 0, 1);

/** The business day, as YYYY-MM-DD, of an instant in milliseconds. */
export function businessDay(instant) {
  return new Date(instant + 8 * HOUR).toISOString().slice(0, 10);
}

/** The day so many days after 2020-01-01. */
export function dayOfCode(days) {
  return new Date(FIRST_DAY_OF_CODES + days * DAY).toISOString().slice(0, 10);
}

/** The day so many days after another. */
export function dayAfter(day, days) {
  return new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
}

/** The clock of UTC+8, as HH:MM:SS.mmm. */
export function clockOf(instant) {
  return new Date(instant + 8 * HOUR).toISOString().slice(11, 23);
}
