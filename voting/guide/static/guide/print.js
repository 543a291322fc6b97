// A button that prints the page; without this there is no button, and the browser's menu prints.

const button = document.querySelector("button#print");
button.hidden = false;
button.addEventListener("click", () => window.print());
