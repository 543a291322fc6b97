/** A QR code as an SVG, made by DOM calls alone: no inline style, nothing that a strict policy refuses. */
import { qrcode } from "./vendor/qrcode.mjs";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules of light around the code
const PIXELS = 6; // for one module, where there is room

/**
 * The QR code of an address.
 *
 * @param {string} text ASCII
 * @param {string} label what it is, for those who do not see it
 * @returns {SVGSVGElement}
 */
export function drawQr(text, label) {
  if (!/^[\x20-\x7e]+$/.test(text)) throw new RangeError("only ASCII");
  const code = qrcode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const size = code.getModuleCount() + 2 * QUIET;
  const svg = element("svg", { viewBox: `0 0 ${size} ${size}`, width: PIXELS * size, height: PIXELS * size, role: "img" });
  svg.setAttribute("aria-label", label);
  svg.append(element("rect", { width: size, height: size, fill: "#fff" }), element("path", { d: dark(code), fill: "#000" }));
  return svg;
}

function dark(code) {
  const places = Array.from({ length: code.getModuleCount() }, (_, at) => at);
  const squares = places.flatMap((row) =>
    places.filter((column) => code.isDark(row, column)).map((column) => `M${column + QUIET} ${row + QUIET}h1v1h-1z`),
  );
  return squares.join("");
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
