import { isIP } from 'node:net';

import { parseHost } from './host.ts';

const WILDCARD = '*.';
/** Labels of letters, digits, hyphens and underscores, in one name of at most 253 (RFC 1035 §2.3.4). */
const NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/**
 * Reads host names, addresses and wildcards such as `*.s3.amazonaws.com`, separated by spaces or commas. Names come as IDNA A-labels in lower
 * case. Throws at the first that is none of these or is listed twice.
 */
export function parseTargets(text: string): readonly string[] {
  const targets = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseTarget);
  if (targets.length === 0) throw new Error('no name is listed');

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
 * the same in either case, with or without the root's dot (RFC 4343).
 */
export function matchTarget(targets: readonly string[], name: string): string | null {
  const wanted = canonical(name);
  const listed = targets.find((target) => canonical(target) === wanted);
  if (listed !== undefined) return isWildcard(listed) ? null : listed;
  const isBelow = (target: string) => isWildcard(target) && wanted.endsWith(canonical(target).slice(1));
  return NAME.test(wanted) && targets.some(isBelow) ? wanted : null;
}

function parseTarget(text: string): string {
  if (!isWildcard(text)) return parseHost(text);
  const parent = parseHost(text.slice(WILDCARD.length));
  if (isIP(parent) !== 0) throw new Error('an address has no names below it');
  return `${WILDCARD}${parent}`;
}

function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}
