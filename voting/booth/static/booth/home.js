/** Where the voter stands: register this device, or go on to the ballot. */
import { fresh, kept, remember, signBinding } from "./device.js";
import { ask, place, sentence, showProblem } from "./page.js";

const part = (id) => document.getElementById(id);
const SECTIONS = ["new", "replace", "waiting", "foreign", "ready"];

function show(name) {
  part("looking").hidden = true;
  for (const section of SECTIONS) part(section).hidden = section !== name;
}

async function look() {
  showProblem(part("problem"), null);
  part("looking").hidden = false;
  const devices = await kept();
  const standing = await ask(place.slot, {});
  const mine = (wanted) => devices.find(({ credential }) => credential === wanted);
  if (standing.registered && !standing.replace && mine(standing.credential)) {
    return ready(mine(standing.credential), standing);
  }
  replacing = standing.replace;
  if (standing.waiting && mine(standing.waiting)) return show("waiting");
  if (standing.replace) return show("replace");
  return show(standing.registered ? "foreign" : "new");
}

let replacing = false;

/** The device makes a key and signs the entry that binds it to the voter's slot; the registrar signs beside it. */
async function register() {
  const device = await fresh();
  const { body } = await ask(place.register, { credential: device.credential });
  const type = replacing ? "credential-replaced" : "credential-registered";
  const signature = await signBinding(device, type, body);
  await ask(place.register, { credential: device.credential, signature });
}

async function ready(device, standing) {
  part("slot").textContent = standing.slot;
  const voted = standing.sequence > 0;
  part("first").hidden = voted;
  part("voted").hidden = !voted;
  part("voted").querySelector(".revote").hidden = !standing.revote;
  part("last").textContent = standing.last;
  if (part("go")) part("go").hidden = voted && !standing.revote;
  show("ready");
  if (device.pending) await settle(device);
}

/** A ballot was on its way when the page was closed: say what became of it, or that it has not arrived so far. */
async function settle(device) {
  const { outcome } = await ask(place.outcome, { tracker: device.pending });
  part("pending").hidden = false;
  part("pending").replaceChildren(...sentence({ code: `outcome-${outcome}` }));
  if (outcome !== "none") await remember(device, null);
}

async function attempt(act, button) {
  if (button) button.disabled = true;
  try {
    await act();
  } catch (error) {
    part("looking").hidden = true;
    if (error.code === "login-required") return location.reload();
    showProblem(part("problem"), error);
  } finally {
    if (button) button.disabled = false;
  }
}

for (const id of ["register", "replace-button"]) {
  part(id).addEventListener("click", ({ currentTarget }) =>
    attempt(async () => {
      await register();
      await look();
    }, currentTarget),
  );
}
await attempt(look);
