import { ipVersion } from './host.ts';
import type { PortPair } from './ports.ts';
import { isWildcard } from './targets.ts';
import type { Values } from './variables.ts';

/** Whether the names that clients ask for are read, and refused where they are not the target's. */
export type NameCheck = 'off' | 'report' | 'enforce';

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

/** Warnings of ports where names are checked, and only some clients have one. */
export function warnOfPlaintext(ports: readonly PortPair[], nameCheck: NameCheck): readonly string[] {
  if (nameCheck === 'off') return [];
  return ports.flatMap(({ target }) => {
    const service = PLAINTEXT_FIRST[target];
    if (service === undefined) return [];
    return [
      `PORT: on port ${target} (${service}) only clients that use TLS with SNI name a target, as libpq 14 and newer do by default, and names are checked (NAME_CHECK=${nameCheck})`,
    ];
  });
}

/**
 * Whether names are checked, and what in the environment speaks against it. Unset, they are where a name has to choose the target, and in
 * MODE=http-proxy.
 */
export function readNameCheck(values: Partial<Values>): {
  readonly nameCheck: NameCheck;
  readonly problems: readonly string[];
} {
  const { TARGET: targets, MODE: mode, NAME_CHECK: asked, TLS_ECH: ech } = values;
  // What cannot be told is no problem of its own: the variable that could not be read is one already.
  if (targets === undefined && (asked === undefined || asked === null))
    return { nameCheck: 'off', problems: [] };

  const mustChoose = targets !== undefined && (targets.length > 1 || targets.some(isWildcard));
  const nameCheck =
    mode === 'udp' ? 'off' : (asked ?? (mustChoose || mode === 'http-proxy' ? 'enforce' : 'off'));
  const problems: string[] = [];
  if (mode === 'udp' && mustChoose) {
    problems.push(
      `TARGET="${targets.join(' ')}": MODE=udp takes one name and no wildcard, as datagrams carry no name to choose by`,
    );
  }
  if (mode === 'udp' && (asked === 'report' || asked === 'enforce')) {
    problems.push(
      `NAME_CHECK=${asked}: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name`,
    );
  }
  if (mode === 'tcp' && mustChoose && nameCheck !== 'enforce') {
    problems.push(
      `NAME_CHECK=${nameCheck}: with several names or a wildcard in TARGET it can only be enforce, as other names have nowhere to go`,
    );
  }
  if (asked === undefined && !(mode === 'tcp' && mustChoose)) return { nameCheck: 'off', problems };
  if (nameCheck === 'off') {
    if (ech === 'refuse')
      problems.push(
        'TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only, as nothing is read without',
      );
    return { nameCheck, problems };
  }
  return { nameCheck, problems: [...problems, ...findNameless(values, nameCheck, mustChoose)] };
}

/** Targets and ports of which no name can be read. */
function findNameless(
  { TARGET: targets = [], PORT: ports = [], MODE: mode }: Partial<Values>,
  nameCheck: NameCheck,
  mustChoose: boolean,
): readonly string[] {
  // Of a proxy, CONNECT names the target: a tunnel to such a port goes unread.
  const nameless = mode === 'http-proxy' ? [] : ports;
  const way = mustChoose && mode === 'tcp' ? 'give such a target a relay of its own' : 'set NAME_CHECK=off';
  return [
    ...targets
      .filter((target) => ipVersion(target) !== 0)
      .map((address) => `TARGET: ${address} is no name to check (NAME_CHECK=${nameCheck}): ${way}`),
    ...nameless.flatMap(({ target }) => {
      const service = SERVER_FIRST[target];
      if (service === undefined) return [];
      const reason = `on port ${target} (${service}) the server speaks first, before a client names it`;
      return [`PORT: ${reason}, and names are checked (NAME_CHECK=${nameCheck}): ${way}`];
    }),
  ];
}
