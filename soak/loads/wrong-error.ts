/** What must never be, whatever else is going on: a byte that was not sent, or a cut stream that looks complete. */
export class WrongError extends Error {}
