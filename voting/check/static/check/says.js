/**
 * What the pages of the checks say. Every sentence is in the page, translated, as <template data-says="name">; here
 * they are only put in their place, and values into their parts with data-value.
 */
import { Refused } from "../booth/crypto/errors.js";

const result = () => document.querySelector("#result");
const refused = () => document.querySelector("#refused");

/** Say something; what was said before is gone. Returns the element in which it stands. */
export function say(name, values = {}) {
  refused().replaceChildren();
  result().replaceChildren(sentence(name, values));
  return result();
}

/** Say why not. What is no refusal is a fault of this program, and nothing was checked then either. */
export function sayRefusal(error) {
  const code = error instanceof Refused ? error.code : "failed";
  result().replaceChildren();
  refused().replaceChildren(sentence(known(code) ? code : "failed", { code }));
}

/** A sentence of the page with these values: texts or nodes. */
export function sentence(name, values = {}) {
  const content = known(name).content.cloneNode(true);
  for (const part of content.querySelectorAll("[data-value]")) part.replaceChildren(values[part.dataset.value] ?? "");
  return content;
}

function known(name) {
  return [...document.querySelectorAll("template[data-says]")].find((template) => template.dataset.says === name);
}

/** What a proved ballot has to say of itself, for the parts with data-value. */
export function facts({ index, checkpoint, status }) {
  return { index: String(index), size: String(checkpoint.size), time: moment(checkpoint.time), status: sentence(status) };
}

/** A time of Japan from Unix seconds: 2026-11-16 10:00. */
function moment(seconds) {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Tokyo", dateStyle: "short", timeStyle: "short" });
  return format.format(new Date(1000 * seconds));
}
