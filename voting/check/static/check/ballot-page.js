/**
 * What a sealed ballot contains: on a second device, from the QR code of the first, or of a ballot opened as a test.
 *
 * The address ends in #tracker.seed, or #tracker for an opened ballot. Browsers do not send that part; it is taken out
 * of the address bar at once and kept nowhere.
 */
import { serialise } from "../booth/crypto/encoding.js";
import { Refused } from "../booth/crypto/errors.js";
import { readBallot } from "./reading.js";
import { fetchBallot, fetchSetup } from "./record.js";
import { saveFile } from "./save.js";
import { facts, say, sayRefusal, sentence } from "./says.js";

const CODE = /^#([\w-]{43})(?:\.([\w-]{43}))?$/;
const TEMPLATES = { "choose-several": "marks", ranking: "ranking" };
const { slug } = document.querySelector("#result").dataset;
const saving = document.querySelector("#saving");
let file = "";
let asked = 0;

document.querySelector("#save").addEventListener("click", () => saveFile(file, "opened-ballot.json"));
window.addEventListener("hashchange", begin); // another code, scanned into the same window
window.addEventListener("pagehide", forget); // "back" on a shared device shows no vote
begin();

function begin() {
  const code = location.hash;
  if (code) history.replaceState(null, "", location.pathname + location.search);
  forget();
  if (code) check(code);
}

function forget() {
  asked += 1;
  file = "";
  saving.hidden = true;
  say("no-code");
}

async function check(code) {
  asked += 1;
  const mine = asked;
  say("checking");
  const progress = (share) => {
    if (mine === asked) showProgress(share);
  };
  const tell = await outcome(code, progress);
  if (mine === asked) tell(); // a code that was scanned later has the word
}

async function outcome(code, progress) {
  try {
    const [, tracker, seed] = code.match(CODE) ?? [];
    if (!tracker) throw new Refused("bad-tracker", "the code is not complete");
    const setup = await fetchSetup(slug);
    const found = await fetchBallot(setup, tracker);
    const opening = found.seed ?? seed;
    if (!opening) throw new Refused("sealed", "the ballot is sealed, and there is no code that opens it");
    const answers = await readBallot(setup, found.ballot, opening, progress);
    return () => show(setup, found, answers);
  } catch (error) {
    return () => sayRefusal(error);
  }
}

function showProgress(share) {
  const bar = document.querySelector("#result progress") ?? say("reading").querySelector("progress");
  bar.value = share;
}

function show(setup, found, answers) {
  const { ballot } = found;
  const contests = ballot.answers.map(({ contest }) => setup.manifest.contests.find(({ id }) => id === contest));
  const list = document.createDocumentFragment();
  list.append(...contests.map((contest) => inWords(contest, answers[contest.id])));
  const { slot, sequence } = ballot;
  say("contents", { ...facts(found), slot, sequence: String(sequence), answers: list });
  file = found.seed ? serialise({ ...setup.raw, ballot: found.raw }) : "";
  saving.hidden = !found.seed;
}

/** A contest's title, and the names of what was chosen. */
function inWords({ kind, title, options }, answer) {
  const chosen = [answer].flat().filter(Boolean);
  if (chosen.length === 0) {
    return sentence("answer", { title, names: listed([sentence(kind === "choose-several" ? "no-marks" : "blank")]) });
  }
  const names = kind === "text" ? chosen : chosen.map((id) => nameOf(options, id));
  return sentence(TEMPLATES[kind] ?? "answer", { title, names: listed(names) });
}

/** The name of an option, or the words for a blank vote. */
function nameOf(options, chosen) {
  return options.find(({ id }) => id === chosen)?.name ?? sentence("blank");
}

/** As list items; what a voter wrote does not turn the words around it. */
function listed(names) {
  const list = document.createDocumentFragment();
  for (const name of names) {
    const [item, isolated] = [document.createElement("li"), document.createElement("bdi")];
    isolated.append(name);
    item.append(isolated);
    list.append(item);
  }
  return list;
}
