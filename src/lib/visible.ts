/** Unicode's control, format, surrogate, private and unassigned characters (C), and its line and paragraph separators (Zl, Zp). */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Text without what a terminal obeys, hides or turns around: each such character is written as JSON writes it, `\u009b`. JSON on one line keeps
 * its value.
 */
export function visible(text: string): string {
  return text.replaceAll(INVISIBLE, (char) => char.split('').map(escapeUnit).join(''));
}

/** A UTF-16 code unit. */
function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
