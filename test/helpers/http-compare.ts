import { contentOf, nameOf, type PassedRequest, sameHost } from './http-passed.ts';

/** A request as a server has read it, all texts as latin1. */
interface ReadRequest {
  readonly method: string;
  readonly target: string;
  /** The value of each Host field. */
  readonly hosts: readonly string[];
  /** null where the server does not tell, or leaves it unread. */
  readonly content: string | null;
  /** Whether it has read the request to its end; of no meaning without content. */
  readonly isWhole: boolean;
  /** Whether it was refused, whatever it is. */
  readonly isRefused?: boolean;
}

/** What a server has made of the bytes of a connection. */
export interface Reading {
  readonly requests: readonly ReadRequest[];
  /** Whether it has refused anything, or said that it closes the connection. */
  readonly isRefused: boolean;
}

/** How a server has read more than was passed on, another host or another content; null where it has not. */
export function faultOf(
  passed: readonly PassedRequest[],
  { requests, isRefused }: Reading,
  which: 'head' | 'sent',
): string | null {
  for (const [i, request] of requests.entries()) {
    const known = passed[i];
    if (known === undefined) return `request ${i + 1} is one too many: ${JSON.stringify(request)}`;
    if (request.isRefused === true) continue;
    const isLast = i === requests.length - 1;
    const fault = difference(known, request, { which, mayBeCut: isLast && (isRefused || !known.isWhole) });
    if (fault !== null) return `request ${i + 1} has ${fault}: ${JSON.stringify({ request, known })}`;
  }
  const missing = passed.length - requests.length;
  return missing > 0 && !isRefused ? `${missing} of ${passed.length} requests were not read` : null;
}

function difference(
  known: PassedRequest,
  { method, target, hosts, content, isWhole }: ReadRequest,
  { which, mayBeCut }: { readonly which: 'head' | 'sent'; readonly mayBeCut: boolean },
): string | null {
  const [knownMethod = '', knownTarget = ''] = known[which].split(' ', 2);
  if (method !== knownMethod) return 'another method';
  if (target !== knownTarget) return 'another target';
  const names = [...hosts, ...authorityOf(target)];
  // Beside CONNECT's, Host may be without a port.
  const isKnown = (name: string) =>
    sameHost(name) === known.host || (method === 'CONNECT' && sameHost(name) === nameOf(known.host));
  if (method === 'CONNECT' && sameHost(target) !== known.host) return 'another host';
  if (method !== 'CONNECT' && names.length === 0) return 'no host';
  if (!names.every(isKnown)) return 'another host';
  if (hosts.length > 1) return 'several hosts';
  if (content === null) return null;
  if (isWhole && !known.isWhole) return 'an end that has not been passed on';
  if (!isWhole && !mayBeCut) return 'no end';
  const expected = contentOf(known);
  const isSame = isWhole ? content === expected : expected.startsWith(content);
  return isSame ? null : 'another content';
}

/** What a request target says of the host. */
function authorityOf(target: string): readonly string[] {
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)/i.exec(target) ?? [];
  return authority === undefined ? [] : [authority];
}
