/** The page before the login: a device that is registered needs no letter. */
import { kept, logInBy } from "./device.js";

const devices = await kept().catch(() => []);
if (devices.length) {
  const which = document.getElementById("which");
  const select = which.querySelector("select");
  select.replaceChildren(...devices.map(({ reference, credential }) => new Option(reference, credential)));
  select.value = devices.at(-1).credential;
  which.hidden = devices.length === 1;
  document.getElementById("device").hidden = false;
  const chosen = () => devices.find(({ credential }) => credential === select.value);
  logInBy(document.getElementById("birth"), chosen, () => location.reload());
}
