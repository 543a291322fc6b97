/**
 * The ballot, from the first contest to the receipt. No screen before the acknowledged cast looks like the end, and
 * leaving before it warns.
 *
 * What is chosen goes from the fields to the Worker and nowhere else. The sealed ballot, without its seed, is kept in
 * memory until its outcome is known: the same bytes are sent again as often as needed, and count once.
 */
import { checkReceipt, readReceipt } from "../check/receipt.js";
import { fetchSetup } from "../check/record.js";
import { drawQr } from "../check/qr.js";
import { saveFile } from "../check/save.js";
import { verify } from "../check/signatures.js";
import { choiceOf, clear, filterBy, keepApart } from "./choices.js";
import { decodeBytes, encodeBytes, encodeItem, serialise } from "./crypto/encoding.js";
import { PROTOCOL } from "./crypto/entries.js";
import { Refused } from "./crypto/errors.js";
import { kept, logInBy, remember, signBallot } from "./device.js";
import { ask, place, showProblem, wordsOf } from "./page.js";
import { Sealer } from "./sealer.js";

const PEOPLE_EVERY = 4000; // ms between two looks at who has confirmed
const PEOPLE_LATER = 60_000; // after somebody did not want to log in again
const SHORT = 8;
const PHASES = { review: 1, sealing: 2, sealed: 3, sending: 3, unsure: 3 };

const part = (id) => document.getElementById(id);
const problem = part("problem");
const ballot = part("ballot");
const contests = [...ballot.querySelectorAll("[data-contest]")];
const sealer = new Sealer();

/** @type {{standing: object, setup: object} | null} what sealing needs, once the board is checked */
let booth = null;
/**
 * Sealed, and not known to be cast or opened. `told`: the server knows the tracker; `way`: "cast" or "open" from the
 * moment that it was sent, and then only its outcome matters.
 *
 * @type {{ballot: object, tracker: string, told: boolean, way: string | null, question: object | null} | null}
 */
let sealed = null;
/** The key of this voter in this browser. @type {import("./device.js").Device | null} */
let device = null;
let shown = null;
let touched = false;
let reviewed = false;
let busy = false;

// Steps

function show(step, { push = true } = {}) {
  for (const section of document.querySelectorAll(".step")) section.hidden = section.dataset.step !== String(step);
  const at = document.querySelector(`.step[data-step="${step}"]`);
  ballot.hidden = !ballot.contains(at);
  part("steps").hidden = step === "cast" || step === "opened";
  [...part("steps").children].forEach((item, index) => {
    if (index === (PHASES[step] ?? 0)) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  showProblem(problem, null);
  if (push && shown !== null && shown !== step) history.pushState({ step }, "");
  shown = step;
  scrollTo(0, 0);
  at.querySelector("h1").focus();
}

/** The browser's back button goes a step back while the voter chooses; later it asks. */
function onBack({ state }) {
  if (done()) return location.replace(place.home);
  if (busy || sealed) {
    history.pushState({ step: shown }, "");
    if (sealed && !busy && !sealed.way) part("away").showModal();
    return;
  }
  show(stepOf(state), { push: false });
}

/** What is still drawn or tidied up afterwards holds nobody back. */
function done() {
  return shown === "cast" || shown === "opened";
}

/** The step that an entry of the history stands for: what was emptied meanwhile has no review. */
function stepOf(state) {
  if (Number.isInteger(state?.step)) return state.step;
  try {
    return state?.step === "review" ? review() : 0;
  } catch {
    return 0;
  }
}

function onLeaving(event) {
  if (!done() && (sealed || busy || touched)) event.preventDefault();
}

function next(from) {
  try {
    choiceOf(contests[from]);
  } catch (error) {
    return complain(error);
  }
  show(reviewed || from + 1 === contests.length ? review() : from + 1);
}

function review() {
  reviewed = true; // who changes one answer from here comes straight back
  for (const section of contests) {
    const lines = choiceOf(section).words.map((words) => {
      const line = document.createElement("span");
      line.append(...words);
      return line;
    });
    part("review").querySelector(`[data-of="${CSS.escape(section.dataset.contest)}"] .chosen`).replaceChildren(...lines);
  }
  return "review";
}

function complain(error) {
  showProblem(problem, error);
  problem.focus();
}

// Getting ready, while the voter chooses

/** The board is checked against its signed checkpoint, and the tables are built, before anything is encrypted. */
async function prepare() {
  const devices = await kept();
  if (!devices.length) throw new Refused("other-device", "no key for this election");
  device = devices.at(-1);
  const [standing, setup] = await Promise.all([withLogin(() => ask(place.slot, {})), board()]);
  const mine = devices.find(({ credential }) => credential === standing.credential);
  if (!mine) throw new Refused("other-device", "another key is registered");
  device = mine;
  if (!standing.revote && standing.sequence > 0) throw new Refused("voted-already", "one ballot for each voter");
  requireSameBallot(setup.manifest, standing.style);
  await sealer.ask("prepare", { manifest: setup.manifest, key: setup.key, rows: setup.rows });
  return { standing, setup };
}

/** What this page shows is what the proved manifest says: titles, names and their order (threat W-02). */
function requireSameBallot(manifest, style) {
  const wanted = manifest.styles.find(({ id }) => id === style)?.contests;
  const same =
    JSON.stringify(wanted) === JSON.stringify(contests.map(({ dataset }) => dataset.contest)) &&
    contests.every((section) => {
      const contest = manifest.contests.find(({ id }) => id === section.dataset.contest);
      return JSON.stringify(namedIn(contest)) === JSON.stringify(shownIn(section));
    });
  const elsewhere = new URL(place.checkBallot, location.href).origin !== location.origin;
  if (!same || elsewhere) throw new Refused("not-on-board", "the page shows another ballot than the board");
}

const plain = (text) => text.replaceAll(/（[ぁ-ゖー]+）/g, "").replaceAll(/\s+/g, " ").trim();

function namedIn({ title, kind, options }) {
  return [title, kind, ...options.flatMap(({ id, name, reading, party }) => [id, ...[name, reading, party].filter(Boolean)])].map(plain);
}

function shownIn(section) {
  const text = (parent, selector) => parent.querySelector(selector)?.textContent ?? "";
  const options =
    section.dataset.kind === "ranking"
      ? [...section.querySelectorAll("select.rank")[0].options].slice(1).map((option) => [option.value, option.textContent])
      : [...section.querySelectorAll(".candidates li")].map((item) => [
          item.querySelector("input").value,
          ...[".name", ".reading", ".party"].map((selector) => text(item, selector)).filter(Boolean),
        ]);
  return [text(section, "h1"), section.dataset.kind, ...options.flat()].map(plain);
}

async function board() {
  let setup;
  try {
    setup = await fetchSetup(place.slug);
  } catch (error) {
    throw ["offline", "unavailable", "no-crypto"].includes(error.code) ? error : new Refused("not-on-board", error.reason);
  }
  const election = encodeBytes(setup.election);
  if (election !== place.election) throw new Refused("other-election", "another manifest");
  return setup;
}

// Sealing

async function seal() {
  if (part("proxy") && !part("proxy").value.trim()) throw new Refused("proxy-needed", "no name");
  show("sealing");
  const bar = part("bar");
  bar.value = 0;
  booth ??= await preparing();
  const { standing } = booth;
  const choices = Object.fromEntries(contests.map((section) => [section.dataset.contest, choiceOf(section).choice]));
  const { slot, style, sequence } = standing;
  const made = await sealer.ask(
    "seal",
    { style, slot, sequence: sequence + 1, credential: device.credential, choices },
    (share) => (bar.value = share),
  );
  sealed = { ballot: made.ballot, tracker: made.tracker, told: false, way: null, question: null };
  for (const shownTracker of document.querySelectorAll(".tracker")) shownTracker.textContent = sealed.tracker;
  part("short").textContent = sealed.tracker.slice(0, SHORT);
  part("people").hidden = true;
  part("missing").dataset.names = "";
  part("cast").disabled = false;
  await announce();
}

/** The tracker goes to the server first, whose signed receipt for it comes before the voter decides (protocol, 3.5). */
async function announce() {
  const { receipt, missing } = await withLogin(() =>
    ask(place.tracker, { tracker: sealed.tracker, assisted: part("assisted").checked, proxy: part("proxy")?.value.trim() ?? "" }),
  );
  await requireReceipt(receipt);
  sealed.told = true;
  show("sealed");
  waitForPeople(missing, sealed.tracker);
}

async function requireReceipt(receipt) {
  const { key } = booth.setup.authority.board;
  const message = encodeItem([PROTOCOL, "tracker receipt", booth.setup.election, decodeBytes(sealed.tracker, 32)]);
  const good = receipt.tracker === sealed.tracker && (await verify(key, message, decodeBytes(receipt.signature, 64)));
  if (!good) throw new Refused("not-on-board", "the board's receipt for the tracker does not verify");
}

/** Where others have to stand by, the button waits for them. */
function waitForPeople(missing, tracker) {
  const names = missing.map(({ name }) => name).join();
  const list = part("missing");
  part("people").hidden = missing.length === 0 && !list.dataset.names;
  part("cast").disabled = missing.length > 0;
  if (names !== list.dataset.names) {
    const lines = missing.length ? missing.map(({ name }) => [name]) : [wordsOf(part("word-there"))];
    list.replaceChildren(...lines.map(item));
    list.dataset.names = names;
  }
  if (missing.length) lookForPeople(missing, tracker, PEOPLE_EVERY);
}

function lookForPeople(missing, tracker, wait) {
  const waits = () => sealed?.tracker === tracker && !sealed.way;
  setTimeout(async () => {
    if (!waits()) return;
    if (busy) return lookForPeople(missing, tracker, PEOPLE_EVERY);
    try {
      const known = await withLogin(() => ask(place.outcome, { tracker }));
      if (waits()) waitForPeople(known.missing, tracker);
    } catch (error) {
      lookForPeople(missing, tracker, error.code === "login-required" ? PEOPLE_LATER : PEOPLE_EVERY);
    }
  }, wait);
}

function item(words) {
  const made = document.createElement("li");
  made.append(...words);
  return made;
}

// Handing in, or opening

async function cast() {
  if (!sealed.told) return announce();
  const { ballot: body, tracker } = sealed;
  const signature = await signBallot(device, "ballot-cast", body);
  device = await remember(device, tracker);
  return send("cast", { ballot: body, signature });
}

async function open() {
  if (!sealed.told) return announce();
  const { ballot: body, tracker } = sealed;
  const { seed } = await sealer.ask("reveal", { tracker });
  const signature = await signBallot(device, "ballot-opened", { ballot: body, seed });
  device = await remember(device, tracker);
  return send("open", { ballot: body, seed, signature });
}

/** From here on the ballot may be on the board, whatever this phone hears; the same bytes are sent again if need be. */
async function send(way, question) {
  Object.assign(sealed, { way, question });
  show("sending", { push: false });
  const receipt = await withLogin(() => ask(way === "cast" ? place.cast : place.open, question));
  await conclude(way, receipt);
}

/** Ask first what became of it, and send it again only when it is not there. */
async function retry() {
  const { way, question, tracker } = sealed;
  show("sending", { push: false });
  const { outcome, receipt } = await withLogin(() => ask(place.outcome, { tracker }));
  if (outcome === "none") return send(way, question);
  return conclude(outcome === "cast" ? "cast" : "open", receipt);
}

async function conclude(way, receipt) {
  await requireOnBoard(receipt, way === "cast" ? "ballot-cast" : "ballot-opened");
  return way === "cast" ? finish(receipt) : finishOpened();
}

/** This phone looks itself: the receipt is good, and its ballot is on the board that continues what it has seen. */
async function requireOnBoard(receipt, type) {
  let found;
  try {
    found = await checkReceipt(booth.setup, readReceipt(serialise(receipt)));
  } catch (error) {
    throw new Refused(error.code === "offline" ? "unknown" : "no-proof", error.reason);
  }
  if (receipt.tracker !== sealed.tracker || found.entry.type !== type) {
    throw new Refused("no-proof", "the receipt is of another ballot");
  }
}

/** It is proved to be in the ballot box: that is shown first, and nothing that fails afterwards takes it back. */
async function finish(receipt) {
  const { tracker } = sealed;
  sealed = null;
  document.querySelector('[data-step="cast"] .place').textContent = receipt.entry;
  document.querySelector(".save").onclick = () =>
    saveFile(serialise(receipt), `receipt-${place.slug}-${receipt.entry}.json`);
  show("cast");
  await settled();
  const picture = await pictureOf(tracker).catch(() => null);
  part("another-phone").hidden = picture === null;
  if (picture) part("qr").querySelector(".picture").replaceChildren(picture);
  await forget().catch(() => {});
}

/** The device need not ask any more what became of the ballot, and the page holds no choice. */
async function settled() {
  device = await remember(device, null).catch(() => device);
  clear(ballot);
}

async function pictureOf(tracker) {
  const { seed } = await sealer.ask("reveal", { tracker });
  const address = new URL(place.checkBallot, location.href);
  return drawQr(`${address}#${tracker}.${seed}`, part("word-qr").textContent);
}

async function finishOpened() {
  part("see").href = `${place.checkBallot}#${sealed.tracker}`;
  sealed = null;
  show("opened");
  await settled();
  await forget().catch(() => {});
}

/** Neither the choice nor the seed stays on this page or in its Worker. */
async function forget() {
  sealed = null;
  clear(ballot);
  touched = reviewed = false;
  await sealer.ask("forget");
}

// When something goes wrong

/** Do it; when the login has ended, ask for the date of birth and do it again. */
async function withLogin(act) {
  try {
    return await act();
  } catch (error) {
    if (error.code !== "login-required") throw error;
    await loggedIn();
    return act();
  }
}

function loggedIn() {
  const dialog = part("login-again");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", () => (dialog.returnValue === "in" ? resolve() : reject(new Refused("login-required", ""))), { once: true });
  });
}

/** One thing at a time: a second click does nothing. What goes wrong leads back to `step`, with nothing lost. */
async function attempt(act, step) {
  if (busy) return;
  busy = true;
  try {
    await act();
  } catch (error) {
    await recover(error, step);
  } finally {
    busy = false;
  }
}

const GONE = ["stale-sequence", "voted-already", "opened-already", "cast-already", "election-closed", "outside-hours", "no-ballot", "two-person-required"];

/** Back to where the voter can go on. Of a ballot that was sent, the board says what became of it, not the error. */
async function recover(error, step) {
  if (!booth) renew(); // it failed, perhaps for want of a connection
  if (sealed?.way) return recoverSent(error);
  if (sealed && !sealed.told && error.code === "not-permitted") sealed = null;
  if (GONE.includes(error.code)) await forget().catch(() => {});
  show(sealed ? "sealed" : GONE.includes(error.code) ? 0 : step === "sealed" ? "review" : step, { push: false });
  complain(error);
}

async function recoverSent(error) {
  const { tracker } = sealed;
  const known = GONE.includes(error.code) ? await ask(place.outcome, { tracker }).catch(() => null) : null;
  if (known && known.outcome !== "none") {
    return conclude(known.outcome === "cast" ? "cast" : "open", known.receipt).catch(unsure);
  }
  if (!GONE.includes(error.code)) return unsure(error);
  // Refused for good. The device keeps the tracker, so that its page says so if an earlier try arrives after all.
  await forget().catch(() => {});
  booth = null;
  renew();
  show(0);
  complain(error);
}

function unsure(error) {
  show("unsure", { push: false });
  complain(error.code === "offline" ? new Refused("unknown", error.reason) : error);
}

// The page

let preparing;
function renew() {
  const going = prepare();
  going.then(
    (ready) => (booth = ready),
    (error) => (sealed || busy || !problem.hidden ? null : complain(error)),
  );
  preparing = () => going;
}

contests.forEach((section, at) => {
  keepApart(section);
  filterBy(section);
  section.addEventListener("input", () => (touched = true));
  section.querySelector(".next").addEventListener("click", () => next(at));
  section.querySelector(".back")?.addEventListener("click", () => show(at - 1));
});
for (const button of part("review").querySelectorAll(".change")) {
  button.addEventListener("click", () => show(Number(button.dataset.to)));
}
ballot.querySelector('[data-step="review"] .back').addEventListener("click", () => show(contests.length - 1));
part("seal").addEventListener("click", () => attempt(seal, "review"));
part("cast").addEventListener("click", () => attempt(cast, "sealed"));
part("open").addEventListener("click", () => attempt(open, "sealed"));
part("retry").addEventListener("click", () => attempt(retry, "unsure"));
part("again").addEventListener("click", () => attempt(async () => {
  sealed = null;
  reviewed = false;
  await sealer.ask("forget");
  show(0);
}, "sealed"));
part("vote-now").addEventListener("click", () => {
  booth = null;
  renew();
  show(0);
});
document.querySelector(".print").addEventListener("click", () => print());
document.addEventListener("keydown", (event) => {
  // Enter in a field goes on, as everywhere; it never sends anything. While Japanese is converted it is not ours.
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && event.target.matches(".step input")) {
    event.preventDefault();
    event.target.closest(".step").querySelector(".next")?.click();
  }
});
addEventListener("popstate", onBack);
addEventListener("beforeunload", onLeaving);
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("pagehide", () => {
  clear(ballot);
  part("qr").querySelector(".picture").replaceChildren();
});

logInBy(part("birth"), () => device, () => part("login-again").close("in"));
clear(ballot);
renew();
show(0);
