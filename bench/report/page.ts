const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** A page with what stands between its markers replaced. Throws where it has none. */
export function replaceBetween(page: string, text: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page lacks ${BEGIN} or ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text.trim()}\n\n${page.slice(end)}`;
}
