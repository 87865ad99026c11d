import type { ClientHello } from '../../wire/client-hello.ts';
import { type Authority, HTTP_PORT } from '../../wire/http-authority.ts';
import { Refusal } from '../../wire/refusal.ts';
import { endpoint } from '../endpoint.ts';
import type { Target } from '../target.ts';

/** Which target a name and a port lead to; a port of null is the one of the relay, or of what is spoken. Throws a Refusal. */
export type Choose = (name: string, port: number | null) => Target;

/** What a client may ask for. */
export interface NameRules {
  readonly choose: Choose;
  /** Whether a ClientHello that hides another is refused. */
  readonly refuseEch: boolean;
}

/** Chooses by name alone, which says the port too; `find` gives null where a name may not be reached. */
export function chooseByName(find: (name: string) => Target | null): Choose {
  return (name) => {
    const target = find(name);
    if (target === null) throw notInTarget(name);
    return target;
  };
}

/** Chooses by name and port; `find` gives null where a name may not be reached at that port, `isListed` tells whether it may at another. */
export function chooseByNameAndPort(
  find: (name: string, port: number) => Target | null,
  isListed: (name: string) => boolean,
): Choose {
  return (name, port) => {
    const wanted = port ?? HTTP_PORT;
    const target = find(name, wanted);
    if (target !== null) return target;
    const asked = endpoint(name, wanted);
    if (!isListed(name)) throw notInTarget(name, asked);
    throw new Refusal('not in PORT', `port ${wanted} is not in PORT`, asked);
  };
}

/** Of all that may be chosen, one target, for whoever has named it in a CONNECT. */
export function chooseConnected(target: Target, choose: Choose): Choose {
  return chooseOnly(
    target,
    choose,
    (name) =>
      new Refusal('not the CONNECT host', `${name} is not ${target.host}, which CONNECT has named`, name),
  );
}

/** The same for whoever has dialled the address of its name. */
export function chooseDialled(target: Target, choose: Choose): Choose {
  return chooseOnly(
    target,
    choose,
    (name) =>
      new Refusal('not the name dialled', `${name} is not ${target.host}, whose address was dialled`, name),
  );
}

function chooseOnly(target: Target, choose: Choose, refuse: (name: string) => Refusal): Choose {
  return (name) => {
    if (choose(name, target.port).host === target.host) return target;
    throw refuse(name);
  };
}

/** The target that a ClientHello names. Throws a Refusal. */
export function chooseByHello({ name, hasOuterEch }: ClientHello, { choose, refuseEch }: NameRules): Target {
  if (hasOuterEch && refuseEch)
    throw new Refusal('encrypted name', 'the ClientHello hides another (TLS_ECH=refuse)', name);
  return choose(name, null);
}

/** What of a request says where it is to go. */
interface Request {
  readonly method: string;
  readonly authority: Authority;
}

/**
 * The target that a request names. Where no proxy is asked, CONNECT is for the target itself to carry out, and the port in it must be the one
 * that leads there: another would be one that is not in PORT. Throws a Refusal.
 */
export function chooseByRequest(
  { method, authority: { name, port } }: Request,
  { choose, asProxy }: { readonly choose: Choose; readonly asProxy: boolean },
): Target {
  const target = choose(name, port);
  if (!asProxy && method === 'CONNECT' && port !== target.port)
    throw new Refusal('not in PORT', `CONNECT goes to port ${target.port} only`, `${name}:${port}`);
  return target;
}

function notInTarget(name: string, asked = name): Refusal {
  return new Refusal('not in TARGET', `${name} is not in TARGET`, asked);
}
