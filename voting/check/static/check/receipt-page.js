/** The page of receipt files: each one that is chosen is checked here; the file stays in the browser. */
import { Refused } from "../booth/crypto/errors.js";
import { MAX_RECEIPT_BYTES, checkReceipt, readReceipt } from "./receipt.js";
import { fetchSetup } from "./record.js";
import { facts, say, sayRefusal } from "./says.js";

const { slug } = document.querySelector("#result").dataset;
const field = document.querySelector("#file");
let asked = 0;

document.querySelector("#needs-script").hidden = true;
document.querySelector("#choose").hidden = false;
field.addEventListener("change", () => {
  const [file] = field.files;
  if (file) check(file);
});

async function check(file) {
  asked += 1;
  const mine = asked;
  field.removeAttribute("aria-invalid");
  say("checking");
  const tell = await outcome(file);
  if (mine === asked) tell(); // a file that was chosen later has the word
}

async function outcome(file) {
  try {
    if (file.size > MAX_RECEIPT_BYTES) throw new Refused("bad-receipt", "the file is too large");
    const receipt = readReceipt(await file.text());
    const found = await checkReceipt(await fetchSetup(slug), receipt);
    return () => say("proved", facts(found));
  } catch (error) {
    return () => {
      if (error.code === "bad-receipt") field.setAttribute("aria-invalid", "true");
      sayRefusal(error);
    };
  }
}
