import { canonical, ipVersion, parseHost } from './host.ts';

const WILDCARD = '*.';
/** Labels of letters, digits, hyphens and underscores, in one name of at most 253 (RFC 1035 §2.3.4), with or without the root's dot. */
const NAME = /^(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/i;

/**
 * Reads host names, addresses and wildcards such as `*.s3.amazonaws.com`, separated by spaces or commas. Names come as IDNA A-labels in lower
 * case. Throws at the first that is none of these or is listed twice.
 */
export function parseTargets(text: string): readonly string[] {
  const items = text.split(/[\s,]+/).filter(Boolean);
  if (items.length === 0) throw new Error('no name is listed');
  const targets = items.map((item) => {
    try {
      return parseTarget(item);
    } catch (cause) {
      throw items.length === 1 ? cause : new Error(`'${item}': ${(cause as Error).message}`, { cause });
    }
  });

  const seen = new Set<string>();
  for (const target of targets) {
    const name = canonical(target);
    if (seen.has(name)) throw new Error(`${name} is listed twice`);
    seen.add(name);
  }
  return targets;
}

/** Whether a target stands for all names below it. */
export function isWildcard(target: string): boolean {
  return target.startsWith(WILDCARD);
}

/**
 * The target that a name leads to, null where none is meant by it: a listed one, or the name itself where a wildcard stands for it. Names are
 * the same in either case, with or without the root's dot (RFC 4343); what is no name and no address leads nowhere.
 */
export function matchTarget(targets: readonly string[], name: string): string | null {
  if (!NAME.test(name) && ipVersion(name) === 0) return null;
  const wanted = canonical(name);
  const listed = targets.find((target) => canonical(target) === wanted);
  if (listed !== undefined) return listed;
  const isBelow = (target: string) => isWildcard(target) && wanted.endsWith(canonical(target).slice(1));
  return targets.some(isBelow) ? wanted : null;
}

function parseTarget(text: string): string {
  if (!isWildcard(text)) return parseHost(text);
  const parent = parseHost(text.slice(WILDCARD.length));
  if (ipVersion(parent) !== 0) throw new Error('an address has no names below it');
  return `${WILDCARD}${parent}`;
}
