/**
 * The manifest, as far as a ballot depends on it (verifier/record/manifest.py). Its hash is the election's id.
 *
 * What else it says (officials, trustees, witnesses) is checked by replay before any voter sees it.
 */
import { serialise, utf8 } from "./encoding.js";
import { Refused } from "./errors.js";
import { boolean, identifier, listOf, minute, oneOf, part, record, text, whole } from "./schema.js";
import { PROTOCOL, digest } from "./transcript.js";

export const BLANK = "blank";
export const HOMOMORPHIC = ["choose-one", "choose-several"];
const KINDS = [...HOMOMORPHIC, "index", "ranking", "text"];
const MAX_OPTIONS = 500;
const FORM_KINDS = {
  SINGLE: ["choose-one", "index"],
  SNTV: ["choose-one", "index"],
  PR_CLOSED: ["choose-one", "index"],
  PR_OPEN: ["index", "choose-one"],
  REVIEW: ["choose-several"],
  REFERENDUM: ["choose-one"],
  RANKING: ["ranking"],
  WRITE_IN: ["text"],
};
const ONE_SEAT = ["SINGLE", "REVIEW", "REFERENDUM", "RANKING"];

const OPTION = {
  id: identifier,
  name: text(100, 1),
  reading: text(100),
  party: text(100),
  list: text(63),
  priority: whole(0, MAX_OPTIONS),
  candidates: listOf(text(100, 1), 0, MAX_OPTIONS),
};
const CONTEST = {
  id: identifier,
  title: text(200, 1),
  kind: oneOf(...KINDS),
  form: oneOf(...Object.keys(FORM_KINDS)),
  seats: whole(1, 100),
  options: listOf((value, where) => record(value, where, OPTION), 0, MAX_OPTIONS),
  blank: boolean,
  least: whole(0, 100_000),
  most: whole(0, 100_000),
  width: whole(1, 64),
  opens: minute,
  closes: minute,
};
const STYLE = { id: identifier, unit: identifier, contests: listOf(identifier, 1, 100) };
const MANIFEST = {
  protocol: oneOf(PROTOCOL),
  title: text(200, 1),
  modulus_bits: whole(256, 4096),
  contests: listOf(parseContest, 1, 100),
  styles: listOf((value, where) => record(value, where, STYLE), 1, 10_000),
};

/**
 * A contest from its record.
 *
 * @typedef {{id: string, name: string, reading: string, party: string, list: string, priority: number,
 *   candidates: string[]}} Option
 * @typedef {{id: string, title: string, kind: string, form: string, seats: number, options: Option[], blank: boolean,
 *   least: number, most: number, width: number, opens: string, closes: string}} Contest
 * @returns {Contest}
 */
export function parseContest(value, where = "contest") {
  const contest = record(value, where, CONTEST);
  const fault = faultOf(contest) ?? faultOfForm(contest);
  if (fault) throw new Refused("not-canonical", `${where}: ${fault}`);
  unique(contest.options, where);
  if (contest.options.some((option) => option.id === BLANK)) {
    throw new Refused("not-canonical", `${where}: the id '${BLANK}' is reserved for blank votes`);
  }
  return contest;
}

function faultOf({ kind, options, least, most, width }) {
  if (kind === "text" && options.length) return "a write-in contest lists no options";
  if (kind !== "text" && !options.length) return "a contest without options";
  if (["choose-one", "index"].includes(kind) && (least !== 1 || most !== 1)) {
    return "choosing one needs least = most = 1";
  }
  if (["choose-several", "ranking"].includes(kind) && most > options.length) {
    return `at most ${options.length} can be chosen`;
  }
  if (least > most) return "least is above most";
  if (HOMOMORPHIC.includes(kind) && width !== 1) return "only a mixnet answer is more than one ciphertext wide";
  return null;
}

function faultOfForm(contest) {
  const { kind, form, seats, options } = contest;
  if (!FORM_KINDS[form].includes(kind)) return `a contest of form ${form} is not answered by ${kind}`;
  if (ONE_SEAT.includes(form) && seats !== 1) return `a contest of form ${form} has one seat`;
  for (const { id, list, priority, candidates } of options) {
    if (form !== "PR_OPEN" && (list || priority)) {
      return `option ${id}: only in a contest of form PR_OPEN are candidates options of a list`;
    }
    if (form !== "PR_CLOSED" && candidates.length) {
      return `option ${id}: only in a contest of form PR_CLOSED does an option name candidates`;
    }
    if (form === "PR_CLOSED" && !candidates.length) return `option ${id}: a list without candidates`;
  }
  return form === "PR_OPEN" ? faultOfLists(contest) : null;
}

function faultOfLists({ options }) {
  const lists = options.filter(({ list }) => !list).map(({ id }) => id);
  for (const { id, list, priority } of options) {
    if (list && !lists.includes(list)) return `option ${id}: '${list}' is no list of this contest`;
    if (!list && priority) return `option ${id}: a list has no priority, only its candidates`;
  }
  for (const id of lists) {
    const standing = options.filter(({ list }) => list === id);
    const places = standing.map(({ priority }) => priority).filter(Boolean);
    if (!standing.length) return `option ${id}: a list without candidates`;
    if (places.sort((a, b) => a - b).some((place, at) => place !== at + 1)) {
      return `option ${id}: the priorities of a list are 1, 2, … without gaps`;
    }
  }
  return null;
}

function unique(records, where) {
  const seen = new Set();
  for (const { id } of records) {
    if (seen.has(id)) throw new Refused("not-canonical", `${where}: ${id} is there twice`);
    seen.add(id);
  }
}

/**
 * Contests and styles of a manifest, which may have other keys as well. Refused "not-canonical".
 *
 * @returns {{title: string, modulusBits: number, contests: Contest[],
 *   styles: {id: string, unit: string, contests: string[]}[]}}
 */
export function parseManifest(value) {
  const { title, modulus_bits: modulusBits, contests, styles } = part(value, "manifest", MANIFEST);
  unique(contests, "manifest, contests");
  unique(styles, "manifest, styles");
  const known = new Set(contests.map((contest) => contest.id));
  for (const style of styles) {
    const where = `manifest, style ${style.id}`;
    unique(style.contests.map((id) => ({ id })), where);
    const unknown = style.contests.find((id) => !known.has(id));
    if (unknown !== undefined) throw new Refused("not-canonical", `${where}: unknown contest '${unknown}'`);
  }
  return { title, modulusBits, contests, styles };
}

/** The hash of exactly this manifest: a promise of 32 bytes. */
export async function electionId(value) {
  return digest("manifest", utf8(serialise(value)));
}

// What a contest means

export function isHomomorphic(contest) {
  return HOMOMORPHIC.includes(contest.kind);
}

/** L: the number of options of *choose one* and *index*, a blank vote included as the last. */
export function choicesOf(contest) {
  return contest.options.length + Number(contest.blank);
}

/** The id of choice `index` in [0, choices). */
export function optionId(contest, index) {
  return index < contest.options.length ? contest.options[index].id : BLANK;
}

/** The permitted numbers of marks of *choose several*: min … max, and 0 where a blank is allowed. */
export function limitsOf(contest) {
  const marks = Array.from({ length: contest.most - contest.least + 1 }, (_, at) => contest.least + at);
  return contest.blank && contest.least > 0 ? [0, ...marks] : marks;
}

/** Ciphertexts in one answer. */
export function ciphertextsOf(contest) {
  if (contest.kind === "choose-one") return 1;
  return contest.kind === "choose-several" ? contest.options.length : contest.width;
}

/** Proofs in one answer: one for each ciphertext, and one for the total of *choose several*. */
export function proofsOf(contest) {
  return ciphertextsOf(contest) + Number(contest.kind === "choose-several");
}
