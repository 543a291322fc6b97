/** The page on which a tracker was looked up: what the server said is proved here, or taken back. */
import { fetchBallot, fetchSetup } from "./record.js";
import { facts, say, sayRefusal } from "./says.js";

const { slug, tracker } = document.querySelector("#result").dataset;

try {
  say("checking");
  say("proved", facts(await fetchBallot(await fetchSetup(slug), tracker)));
} catch (error) {
  sayRefusal(error);
}
