// Keeps the control room up to date. Without it everything is there after a reload.

const room = document.getElementById("room");
const [stage, lost, news] = ["stage", "lost", "new"].map((name) => document.getElementById(name));
const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/** Somebody is in this part, or has typed or chosen something in it: it is left alone. */
function busy(section) {
  if (section.contains(document.activeElement)) return true;
  return [...section.querySelectorAll("input, select, textarea")].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked
      : field.type === "file" ? field.files.length > 0
        : field.type !== "hidden" && field.value !== field.defaultValue);
}

function show(fresh) {
  const text = fresh.querySelector("#stage-now").content.textContent.trim();
  if (stage.textContent.trim() !== text) stage.textContent = text;
  for (const section of fresh.querySelectorAll("[data-part]")) {
    const here = part(room, section.dataset.part);
    if (section.dataset.part === "to-do") {
      news.hidden = !busy(here);
      if (busy(here)) continue;
    }
    // What somebody scrolls by keyboard, or has the focus on, stays.
    if (here.contains(document.activeElement)) continue;
    // The section itself stays: what is new in a live one is read aloud.
    here.replaceChildren(...document.importNode(section, true).childNodes);
    if (section.dataset.key) here.dataset.key = section.dataset.key;
  }
}

async function look() {
  if (document.hidden) return;
  try {
    const key = part(room, "to-do").dataset.key;
    const answer = await fetch(`${room.dataset.live}?key=${encodeURIComponent(key)}`, { redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    lost.hidden = true;
  } catch {
    lost.hidden = false; // the login has ended, or the network is away
  }
}

/** One look after the other, never two at once. */
async function watch() {
  await look();
  setTimeout(watch, Number(room.dataset.every) * 1000);
}

document.addEventListener("visibilitychange", look);
setTimeout(watch, Number(room.dataset.every) * 1000);
