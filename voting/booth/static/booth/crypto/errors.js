/** What is refused: a code for programs, a sentence that names what is wrong and where. It never holds a secret. */
export class Refused extends Error {
  /**
   * @param {string} code "not-canonical", "bad-integer", "no-crypto" …
   * @param {string} reason
   */
  constructor(code, reason) {
    super(reason);
    this.name = "Refused";
    this.code = code;
    this.reason = reason;
  }
}
