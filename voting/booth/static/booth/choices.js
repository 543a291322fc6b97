/** From the fields of a contest to a choice, and to the words for it. Only this page and its Worker ever know them. */
import { Refused } from "./crypto/errors.js";
import { wordsOf } from "./page.js";

const word = (id) => wordsOf(document.getElementById(`word-${id}`));

/**
 * The choice of a contest's section, as the Worker takes it, with the lines that the review shows, each a list of what
 * it is made of.
 * Refused "no-choice", "no-mark", "ranks" or "text-long" for what the contest does not allow.
 *
 * @param {HTMLElement} section
 * @returns {{choice: string | string[], words: (string | Node)[][]}}
 */
export function choiceOf(section) {
  const { kind, least, most } = section.dataset;
  const none = section.querySelector("[data-none]:checked");
  if (none) return { choice: emptyOf(kind), words: [word(none.dataset.none)] };
  if (kind === "choose-one" || kind === "index") return one(section);
  if (kind === "choose-several") return several(section, Number(least), Number(most));
  if (kind === "ranking") return ranking(section, Number(least));
  return written(section, Number(most));
}

/** How a blank answer is written: an option of its own, no mark, no rank, or no text. */
function emptyOf(kind) {
  if (kind === "choose-one" || kind === "index") return "blank";
  return kind === "text" ? "" : [];
}

function nameOf(input) {
  return input.closest("label").querySelector(".name").textContent;
}

function one(section) {
  const chosen = section.querySelector(".candidates input:checked");
  if (!chosen) throw new Refused("no-choice", "nothing is chosen");
  return { choice: chosen.value, words: [[nameOf(chosen)]] };
}

function several(section, least, most) {
  const marked = [...section.querySelectorAll(".candidates input:checked")];
  if (marked.length < least || marked.length > most) throw new Refused("no-mark", "too few or too many marks");
  const words = marked.map((input) => [nameOf(input)]);
  return { choice: marked.map((input) => input.value), words: words.length ? words : [word("none")] };
}

function ranking(section, least) {
  const selects = [...section.querySelectorAll("select.rank")];
  const values = selects.map((select) => select.value);
  const count = values.filter(Boolean).length;
  const gap = values.findIndex((value) => !value);
  const ordered = gap === -1 || gap >= count;
  if (!count) throw new Refused("no-choice", "nobody is ranked");
  if (!ordered || new Set(values.slice(0, count)).size !== count || count < least) {
    throw new Refused("ranks", "gaps, or somebody twice");
  }
  const words = selects.slice(0, count).map((select, at) => [`${at + 1}. ${select.selectedOptions[0].textContent}`]);
  return { choice: values.slice(0, count), words };
}

function written(section, most) {
  const text = section.querySelector(".written").value.trim().normalize("NFC");
  if (!text) throw new Refused("no-choice", "nothing is written");
  if (new TextEncoder().encode(text).length > most) throw new Refused("text-long", "too many bytes");
  return { choice: text, words: [[text]] };
}

/** Take every choice out of the page. */
export function clear(ballot) {
  for (const input of ballot.querySelectorAll("input:checked")) input.checked = false;
  for (const field of ballot.querySelectorAll(".written, .filter, select.rank")) field.value = "";
  for (const field of ballot.querySelectorAll(".filter")) field.dispatchEvent(new Event("input"));
  for (const shown of ballot.querySelectorAll("#review .chosen")) shown.replaceChildren();
}

/** "Nobody" and a mark exclude one another. */
export function keepApart(section) {
  const nones = [...section.querySelectorAll("[data-none]")];
  section.addEventListener("input", ({ target }) => {
    if (target.classList.contains("filter")) return;
    if (target.dataset.none) {
      for (const other of section.querySelectorAll(".candidates input, .none input")) {
        if (other !== target) other.checked = false;
      }
      for (const field of section.querySelectorAll(".written, select.rank")) field.value = "";
    } else {
      for (const none of nones) none.checked = false;
    }
  });
}

/** The field above a long list leaves only those whose name, reading or party holds what is typed. */
export function filterBy(section) {
  const field = section.querySelector(".filter");
  if (!field) return;
  const items = [...section.querySelectorAll(".candidates li")];
  const plain = (text) => text.normalize("NFKC").toLowerCase().replaceAll(/[\s　]/g, "").replaceAll(/[ァ-ヶ]/g, hiragana);
  const texts = items.map((item) => plain(item.textContent));
  field.addEventListener("input", () => {
    const wanted = plain(field.value);
    let shown = 0;
    items.forEach((item, at) => {
      const fits = texts[at].includes(wanted) || item.querySelector("input").checked;
      item.hidden = !fits;
      shown += fits;
    });
    section.querySelector(".shown").textContent = shown;
  });
}

function hiragana(katakana) {
  return String.fromCharCode(katakana.charCodeAt(0) - 0x60);
}
