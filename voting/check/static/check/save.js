/**
 * A file that the page made, for the voter to keep.
 * @module
 */

/** Hand JSON text to the browser's downloads under this name. */
export function saveFile(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers ask first
}
