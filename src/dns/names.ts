/** Whether two names are the same: letters in either case, with or without the root's dot (RFC 4343). */
export function isSameName(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}
