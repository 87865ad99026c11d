/** Clients choose names: what a terminal would obey or hide (Unicode's category C) is escaped. */
export function visible(text: string): string {
  return text.replaceAll(/\p{C}/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
