// Only comforts: everything works without them.

for (const form of document.querySelectorAll("form[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault(); // a double click
    sent = true;
  });
  // The same page again, by the browser's back button.
  window.addEventListener("pageshow", () => { sent = false; });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
