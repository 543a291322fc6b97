/**
 * Follows the count: asks now and then how far it is, and puts the answer in place of what stands here. Nothing is asked
 * while nobody looks, nor once the result is there.
 */
const EVERY = 5_000; // ms
const SLOWEST = 60_000;
const TIMEOUT = 30_000;
const PARTS = ["told", "count"];

const unanswered = document.getElementById("unanswered");
let wait = EVERY;
let timer = 0;

/** Put in place what has changed and nothing else: what is read aloud is not read again. */
function place(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const name of PARTS) {
    const there = document.getElementById(name);
    const next = fresh.getElementById(name);
    if (!next) throw new Error(`no part ${name}`);
    if (there.innerHTML === next.innerHTML) continue;
    there.replaceChildren(...document.adoptNode(next).childNodes);
    there.dataset.phase = next.dataset.phase ?? "";
  }
}

const finished = () => document.getElementById("count").dataset.phase === "published";

async function look() {
  clearTimeout(timer);
  try {
    const answer = await fetch("progress", { signal: AbortSignal.timeout(TIMEOUT) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    place(await answer.text());
    wait = EVERY;
    unanswered.hidden = true;
  } catch {
    wait = Math.min(2 * wait, SLOWEST);
    unanswered.hidden = false;
  }
  goOn();
}

function goOn() {
  clearTimeout(timer);
  if (!finished() && document.visibilityState === "visible") timer = setTimeout(look, wait);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !finished()) look();
  else clearTimeout(timer);
});
goOn();
