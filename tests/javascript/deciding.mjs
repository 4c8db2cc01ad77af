/** What a gate decides alone: docs/gate-protocol.md, "The decision". The numbers are its steps. */

import { createHash } from "node:crypto";
import { publicKey, read } from "./codes.mjs";
import { businessDay, clockOf, dayAfter } from "./days.mjs";
import { refuses } from "./filter.mjs";

const SAME_SHOWING = 3_000;
const CLOCKS_APART = 5 * 60_000;
const MINUTE = 60_000;

/** The answer to what is shown at a gate: a verdict, or an `error` for its staff. */
export function decide(bundle, asked) {
  const { gate, purpose, party } = asked;
  const now = Date.parse(asked.now);
  const today = businessDay(now);

  // 1. The bundle.
  const d = bundle.rules.days.indexOf(today);
  if (now > Date.parse(bundle.manifest.good_until) || d === -1) return { error: "too_old" };

  // 2. The code.
  const { code, step, reason } = read(asked.text, now, keysOf(bundle));
  if (code === undefined) return refused(reason);
  const serial = code.pass_id;

  // 3. The edition, and the kind of the day.
  const edition = bundle.rules.editions[code.product_number] ?? NOT_HERE;
  const kind = edition === NOT_HERE ? ONE_PERSON : bundle.rules.kinds[edition.days[d]];
  const room = kind.party.admits;

  // 4. The past.
  const known = asked.known
    .filter((each) => each.serial === serial)
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const past = pastOf(bundle, serial, edition, known, today);
  const newest = known.length > 0 ? Date.parse(known.at(-1).at) : past.lastAt;
  const isAhead = newest !== null && newest > now && newest - now <= CLOCKS_APART;
  const at = isAhead ? newest : now;

  // 5. Whether the pass stands, and whether this is the showing of before.
  const why = whyNot(bundle, serial);
  const mayRepeat = purpose === "enter" && party === null && [null, "no_visits_left"].includes(why);
  if (mayRepeat && known.some((each) => isSameShowing(each, gate, at))) return refused("repeat");

  // 6. The reason of 2.
  if (reason !== undefined) return refused(reason);

  // 7. Who comes in free beside the holder.
  const isTurnstile = asked.kind === "turnstile";
  const beside = Object.keys(asked.free);
  if (beside.length > 0 && isTurnstile) return { error: "free_needs_staff" };
  if (beside.some((each) => !bundle.rules.free[d].includes(each))) {
    return { error: "not_free_by_law" };
  }

  // 8. Who leaves.
  const isDisabled = bundle.gates.find((each) => each.id === gate)?.state === "disabled";
  if (purpose === "leave") {
    if (isDisabled) return { ...refused("gate_disabled"), leaving: false };
    const cameIn = past.visits > 0 || past.free !== null;
    if (why === "revoked" && !cameIn) return refused("revoked");
    return { ...refused("ok"), admits: party ?? room, leaving: true };
  }

  // 9. The rules.
  const follow = past.places + past.away;
  const wanted = party ?? (follow || room);
  const joins = wanted <= follow;
  const isFree =
    past.free !== null &&
    bundle.rules.free[d].includes(past.free) &&
    (party ?? 1) === 1 &&
    room === 1;
  const payers = edition.payment === "at_window" ? kind.party.pays : 0;
  const owed =
    payers === 0 || isFree
      ? 0
      : Math.max(0, past.due + moreDue(past, wanted, room, payers) - past.paid);
  const stop = bundle.rules.stop;
  const isStopped = stop !== null && now < Date.parse(stop.until);
  const counts = !isFree && !joins;
  const tooMany = (limit) => (follow > 0 ? "party_too_large" : limit);
  const { per_spot_day: perDay, per_spot: perSpot, minutes_between: minutes } = edition;
  const isTooSoon =
    minutes !== null && past.lastAt !== null && at < past.lastAt + minutes * MINUTE;
  const lastDay = dayAfter(code.last_day, edition.longer);
  const isOver = today > lastDay || (edition.last_day !== null && today > edition.last_day);
  const isElsewhere =
    edition.bound && !isBound(bundle, serial) && code.first_day < bundle.bound.since;

  const rules = [
    ["gate_disabled", isDisabled],
    ["emergency", isStopped && stop.emergency],
    ["code_static", !code.rotating && isTurnstile],
    [why, why !== null && why !== "no_visits_left"],
    ["not_yet_valid", today < code.first_day],
    ["expired", isOver],
    ["spot_not_covered", !edition.covers || isElsewhere],
    [kind.admits, ["spot_withdrawn", "spot_closed"].includes(kind.admits)],
    ["entry_stopped", isStopped],
    ["blackout", kind.admits === "blackout"],
    ["outside_hours", kind.admits === "outside_hours" || !isWithin(kind.hours, now)],
    ["already_today", isFree && isTurnstile],
    [tooMany("already_today"), counts && perDay !== null && past.visits >= perDay],
    [
      tooMany("no_visits_left"),
      counts && (why === "no_visits_left" || (perSpot !== null && past.here >= perSpot)),
    ],
    ["too_soon", counts && isTooSoon],
    ["party_too_large", !isFree && wanted > room],
    ["code_spent", past.steps.has(step) && purpose !== "pay" && (isFree || !joins)],
    ["pay_at_window", owed > 0 && asked.kind !== "window"],
  ];
  const objection = rules.find(([, applies]) => applies);
  if (objection !== undefined) return refused(objection[0]);

  // 10. Granted.
  const eachFen = kind.each_fen;
  const money = {
    pays: owed,
    amount_fen: payers === 0 || eachFen === null ? null : owed * eachFen,
    category: isFree ? past.free : null,
  };
  if (purpose === "pay") return { ...refused("ok"), ...money };
  const free = { ...asked.free };
  if (isFree) free[past.free] = 1 + (free[past.free] ?? 0);
  const freePeople = Object.values(free).reduce((sum, each) => sum + each, 0);
  return {
    ...refused("ok"),
    ...money,
    admits: (isFree ? 0 : wanted) + freePeople,
    check_identity: !isTurnstile && (freePeople > 0 || !code.rotating || edition.voucher),
    free,
  };
}

/** An edition that does not cover this spot, with one person a visit. */
const NOT_HERE = {
  covers: false,
  bound: false,
  longer: 0,
  last_day: null,
  payment: "paid",
  re_entry: false,
  per_spot_day: null,
  per_spot: null,
  minutes_between: null,
};
const ONE_PERSON = { admits: "ok", hours: [], party: { admits: 1, pays: 0 }, each_fen: null };

function refused(reason) {
  return {
    reason,
    admits: 0,
    pays: 0,
    amount_fen: null,
    check_identity: false,
    category: null,
    free: {},
    leaving: false,
  };
}

/** The keys of codes that a bundle holds, as `codes.mjs` asks for them. */
function keysOf({ keys }) {
  const signing = new Map(
    keys.codes.map((each) => [
      each.id,
      { key: publicKey(Buffer.from(each.public, "base64")), lastDay: each.last_day },
    ]),
  );
  return {
    signing: (id) => signing.get(id),
    ofDay: (day) => (day in keys.days ? Buffer.from(keys.days[day], "base64") : undefined),
  };
}

/** Why a pass admits nowhere; null if nothing is known against it. */
function whyNot({ changes, filter }, serial) {
  if (serial in changes.refuse) return changes.refuse[serial];
  if (changes.allow.includes(serial)) return null;
  return refuses(filter, serial) ? "not_in_force" : null;
}

function isSameShowing(each, gate, at) {
  const age = at - Date.parse(each.at);
  return each.kind === "enter" && each.gate === gate && each.party === null && age <= SAME_SHOWING;
}

/** Whether one of some values of `size` bytes, in base64, is this. */
function includes(values, wanted) {
  const bytes = Buffer.from(values, "base64");
  for (let at = 0; at < bytes.length; at += wanted.length) {
    if (bytes.subarray(at, at + wanted.length).equals(wanted)) return true;
  }
  return false;
}

function isBound({ bound }, serial) {
  return includes(bound.serials, Buffer.from(serial, "hex"));
}

function isSpent({ spent, rules }, serial) {
  const digest = createHash("sha256").update("BPB1 spent").update(rules.spot);
  return includes(spent.hashes, digest.update(Buffer.from(serial, "hex")).digest().subarray(0, 6));
}

function isWithin(hours, now) {
  const clock = clockOf(now);
  return hours.length === 0 || hours.some(([opens, closes]) => opens <= clock && clock < closes);
}

/** How many of those who come in make one more who has to pay. */
function moreDue({ places, away }, people, room, payers) {
  if (people > places + away) return Math.min(payers, people);
  const came = room - places;
  const newcomers = Math.max(0, people - away);
  return Math.min(payers, came + newcomers) - Math.min(payers, came);
}

/** What was here before, by the bundle and by what is known besides. */
function pastOf(bundle, serial, edition, known, today) {
  const dayOfBundle = bundle.rules.days[0];
  const state = bundle.states[serial];
  const past = {
    day: state === undefined ? null : dayOfBundle,
    visits: state?.visits ?? 0,
    here: state?.here ?? 0,
    places: state?.places ?? 0,
    away: state?.away ?? 0,
    due: state?.due ?? 0,
    paid: state?.paid ?? 0,
    lastAt: state?.last_at === undefined ? null : Date.parse(state.last_at),
    steps: new Set(state?.steps),
    free: dayOfBundle === today ? (state?.free ?? null) : null,
  };
  if (state === undefined && isSpent(bundle, serial)) past.here = edition.per_spot ?? 0;
  for (const each of known) happened(past, each, edition, today);
  if (past.day !== today) beginDay(past, today);
  return past;
}

function beginDay(past, day) {
  Object.assign(past, { day, visits: 0, places: 0, away: 0, due: 0, paid: 0 });
}

/** Change the past by what is known: who came in, left, or paid. */
function happened(past, each, edition, today) {
  const day = businessDay(Date.parse(each.at));
  const isCounted = each.kind === "enter" && each.free === null;
  if (day !== past.day && (isCounted || each.kind === "pay")) {
    if (past.day !== null && day < past.day) {
      if (each.kind === "enter") past.here += 1;
      return;
    }
    beginDay(past, day);
  }
  const follow = past.places + past.away;
  if (isCounted) comeIn(past, each, follow);
  if (each.kind === "enter") {
    if (each.step !== null) past.steps.add(each.step);
    if (each.free !== null && day === today) past.free = each.free;
  }
  if (each.kind === "leave" && edition.re_entry) {
    past.free = null;
    if (day === past.day && past.visits > 0) {
      past.away += Math.max(0, Math.min(each.people, each.room - follow));
    }
  }
  if (each.kind === "pay") past.paid += each.paid;
}

function comeIn(past, { at, people, room, payers, paid }, follow) {
  past.due += moreDue(past, people, room, payers);
  past.paid += paid;
  if (people <= follow) {
    const back = Math.min(past.away, people);
    past.away -= back;
    past.places -= people - back;
    return;
  }
  past.visits += 1;
  past.here += 1;
  past.lastAt = Date.parse(at);
  past.places = Math.max(0, room - people);
  past.away = 0;
}
