/** What the booth's pages share: where things are, what can be said, and asking the server. */
import { serialise } from "./crypto/encoding.js";
import { Refused } from "./crypto/errors.js";

const TIMEOUT = 30_000; // ms

/** The addresses and the election of this page (templates/booth/place.html). */
export const place = document.getElementById("place").dataset;

/** A text that stands in the page, in its language and with its readings, as nodes to put elsewhere. */
export function wordsOf(element) {
  return [...element.cloneNode(true).childNodes];
}

/** The sentence for a code, in the page's language; the server's own sentence where it sent one. */
export function sentence(error) {
  const said = (code) => document.querySelector(`#said [data-say="${CSS.escape(code)}"]`);
  const known = said(error.code ?? "failed");
  if (known) return wordsOf(known);
  return error.told ? [error.told] : wordsOf(said("failed"));
}

/** Show what went wrong at `box`, and let it be heard; `null` takes it away. */
export function showProblem(box, error) {
  box.hidden = error === null;
  if (error === null) return;
  const line = document.createElement("p");
  line.append(...sentence(error));
  box.replaceChildren(line);
  box.scrollIntoView({ block: "nearest" });
}

function csrfToken() {
  const kept = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return kept ? decodeURIComponent(kept.slice("csrftoken=".length)) : "";
}

/**
 * Ask the server: what it answers, or Refused with the server's code and sentence. Refused "offline" when no answer
 * came back; then nobody knows whether the question arrived.
 *
 * @param {string} url
 * @param {object} question sent as canonical JSON
 */
export async function ask(url, question) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: serialise(question),
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch {
    throw new Refused("offline", "no answer");
  }
  if (answer.ok) return answer.json().catch(() => Promise.reject(new Refused("offline", "half an answer")));
  throw await refusalOf(answer);
}

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => null);
  if (!problem?.code) return new Refused(answer.status >= 500 ? "offline" : "failed", `status ${answer.status}`);
  const refused = new Refused(problem.code, problem.detail);
  refused.told = problem.detail;
  return refused;
}
