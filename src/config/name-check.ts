import { listSome } from '../lib/list-some.ts';
import { ipVersion } from './host.ts';
import { type Listener, mustChoose, namesOf, portsOf } from './listeners.ts';
import type { Values } from './variables.ts';

/** Whether the names that clients ask for are read, and refused where they are not the target's. */
export type NameCheck = 'off' | 'report' | 'enforce';

/** A listener, and whether it checks names. */
export interface CheckedListener extends Listener {
  readonly nameCheck: NameCheck;
}

interface Found {
  readonly listeners: readonly CheckedListener[];
  readonly problems: readonly string[];
  /** What is not checked though NAME_CHECK asks for it, and what may surprise where it is. */
  readonly warnings: readonly string[];
}

/** Why no name can be read of some clients. */
interface Nameless {
  readonly reason: string;
  /** All names that they may want. */
  readonly names: readonly string[];
}

/** What is spoken on ports where the server speaks first: the client waits for it, and names nobody. */
const SERVER_FIRST: Readonly<Record<number, string>> = {
  21: 'FTP',
  22: 'SSH',
  25: 'SMTP',
  110: 'POP3',
  143: 'IMAP',
  587: 'SMTP',
  3306: 'MySQL',
};

/** Whether a target's port is one where the server speaks first, so that no name can be read. */
export function serverSpeaksFirst(port: number): boolean {
  return SERVER_FIRST[port] !== undefined;
}

/** Where a client begins in plain text, and names somebody only once it has been allowed TLS. */
const PLAINTEXT_FIRST: Readonly<Record<number, string>> = { 5432: 'PostgreSQL' };

/**
 * Decides for each listener whether it checks names, and tells what in the environment speaks against that. Where NAME_CHECK is not set, names are checked
 * where one has to choose the target, and by the forward proxy. Where names have addresses (`byAddress`), those choose whatever is spoken.
 */
export function checkNames(
  listeners: readonly Listener[],
  { NAME_CHECK: given, TLS_ECH: ech }: Partial<Values>,
  byAddress = false,
): Found {
  // Who learns names checks them too, against a list that has all of them.
  const asked = given === 'learn' ? null : given;
  const checked = listeners.map((listener) => ({
    ...listener,
    nameCheck: nameCheckOf(listener, asked ?? null),
  }));
  const choosing = checked.filter((listener) => listener.kind === 'tcp' && mustChoose(listener));
  const left = checked.filter(({ kind, nameCheck }) => kind === 'tcp' && nameCheck === 'off');
  // What could not be read is a problem of its own, and the only one that comes of it.
  const isIdle =
    asked !== undefined && listeners.length > 0 && checked.every(({ nameCheck }) => nameCheck === 'off');
  const isAsked = asked === 'report' || asked === 'enforce';
  // Who dials a name's address is not read, though names on the door's own are.
  const isByAddressAlone =
    byAddress && asked === null && listeners.every(({ kind }) => kind !== 'http-proxy');
  const isUnread = isIdle || (isByAddressAlone && listeners.length > 0);
  return {
    listeners: checked,
    problems: [
      ...(!byAddress && (asked === 'off' || asked === 'report') ? forbid(asked, choosing) : []),
      ...(byAddress ? findAddresses(choosing) : findNameless(choosing)).map(
        ({ reason, names }) =>
          `TARGET="${listSome(names, ' ')}": ${reason}, but has to choose the target: give such a target a port of its own`,
      ),
      ...(isIdle && isAsked ? findIdle(asked, left) : []),
      ...(isUnread && ech === 'refuse'
        ? ['TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only, as nothing is read without']
        : []),
    ],
    warnings: [
      ...(isAsked
        ? findNameless(left).map(({ reason }) => `NAME_CHECK=${asked} leaves a port out: ${reason}`)
        : []),
      // Whoever has dialled a name's address needs to say none, unless that is asked for.
      ...(byAddress && !isAsked ? [] : warnOfPlaintext(checked)),
    ],
  };
}

function nameCheckOf(listener: Listener, asked: NameCheck | null): NameCheck {
  if (listener.kind === 'udp') return 'off';
  if (listener.kind === 'http-proxy') return asked ?? 'enforce';
  const isNameless = findNameless([listener]).length > 0;
  if (mustChoose(listener)) return isNameless ? 'off' : 'enforce';
  return isNameless ? 'off' : (asked ?? 'off');
}

function findNameless(listeners: readonly Listener[]): readonly Nameless[] {
  return [
    ...findAddresses(listeners),
    ...tellOnce(listeners, ({ allowed }) =>
      portsOf(allowed)
        .filter(serverSpeaksFirst)
        .map(
          (port) =>
            `on port ${port} (${SERVER_FIRST[port]}) the server speaks first, before a client says a name`,
        ),
    ),
  ];
}

function findAddresses(listeners: readonly Listener[]): readonly Nameless[] {
  return tellOnce(listeners, ({ allowed }) =>
    namesOf(allowed)
      .filter((name) => ipVersion(name) !== 0)
      .map((address) => `${address} is no name that a client could say`),
  );
}

/** Each reason once, with the names of all listeners that have it. */
function tellOnce(
  listeners: readonly Listener[],
  reasonsOf: (listener: Listener) => readonly string[],
): readonly Nameless[] {
  const found = listeners.flatMap((listener) =>
    [...new Set(reasonsOf(listener))].map((reason) => ({ reason, listener })),
  );
  return [...Map.groupBy(found, ({ reason }) => reason)].map(([reason, some]) => ({
    reason,
    names: some.flatMap(({ listener }) => namesOf(listener.allowed)),
  }));
}

/** A check that other names cannot do without. */
function forbid(asked: NameCheck, choosing: readonly Listener[]): readonly string[] {
  if (choosing.length === 0) return [];
  const ports = listSome(
    choosing.map(({ port }) => String(port)),
    ', ',
  );
  return [
    `NAME_CHECK=${asked}: with several names or a wildcard on port ${ports} it can only be enforce, as other names have nowhere to go`,
  ];
}

/** A check that is asked for, and has nothing to check. Where servers speak first, it is left out. */
function findIdle(asked: NameCheck, left: readonly Listener[]): readonly string[] {
  if (left.length === 0)
    return [`NAME_CHECK=${asked}: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name`];
  const names = new Set(left.flatMap(({ allowed }) => namesOf(allowed)));
  return [...names]
    .filter((name) => ipVersion(name) !== 0)
    .map((address) => `NAME_CHECK=${asked}: ${address} is no name to check`);
}

/** Ports where names are checked, and only some clients have one. */
function warnOfPlaintext(listeners: readonly CheckedListener[]): readonly string[] {
  return listeners.flatMap(({ kind, allowed, nameCheck }) => {
    if (nameCheck === 'off') return [];
    const where = kind === 'http-proxy' ? 'in tunnels of the forward proxy to port' : 'on port';
    const ports = new Set(portsOf(allowed).filter((port) => PLAINTEXT_FIRST[port] !== undefined));
    return [...ports].map(
      (port) =>
        `TARGET: ${where} ${port} (${PLAINTEXT_FIRST[port]}) only clients that use TLS with SNI name a target, as libpq 14 and newer do by default, and names are checked (NAME_CHECK=${nameCheck})`,
    );
  });
}
