// The switches work without this, by loading the page again. With it, what somebody has typed or chosen stays.
// Readings are put into the page or left out by the server, so that switch does load it again.

const form = document.querySelector("form#display");

form?.addEventListener("submit", (event) => {
  const pressed = event.submitter;
  if (!pressed || pressed.name === "readings") return;
  event.preventDefault();
  document.documentElement.dataset[pressed.name] = pressed.value;
  for (const button of form.querySelectorAll(`button[name="${pressed.name}"]`)) {
    button.setAttribute("aria-pressed", String(button === pressed));
  }
  const sent = new FormData(form, pressed);
  // Offline, the page is shown as wanted all the same; only the next one is not.
  fetch(form.action, { method: "POST", body: sent, redirect: "manual" }).catch(() => {});
});
