import { isIP } from 'node:net';

import { isWildcard } from './targets.ts';
import type { Values } from './variables.ts';

type NameCheck = 'off' | 'report' | 'enforce';

/** Ports where the server speaks first: the client waits for it, and names nobody. */
const SERVER_FIRST: Readonly<Record<number, string>> = {
  21: 'FTP',
  22: 'SSH',
  25: 'SMTP',
  110: 'POP3',
  143: 'IMAP',
  587: 'SMTP',
  3306: 'MySQL',
};

/** Whether names are checked, and what in the environment speaks against it. Unset, they are where a name has to choose the target. */
export function readNameCheck({
  TARGET: targets = [],
  PORT: ports = [],
  MODE: mode,
  NAME_CHECK: asked = null,
  TLS_ECH: ech,
}: Partial<Values>): { readonly nameCheck: NameCheck; readonly problems: readonly string[] } {
  const mustChoose = targets.length > 1 || targets.some(isWildcard);
  const nameCheck = asked ?? (mustChoose ? 'enforce' : 'off');
  const problems: string[] = [];

  if (mode === 'udp') {
    if (mustChoose) problems.push('TARGET: MODE=udp takes one name, as datagrams carry none to choose by');
    if (asked !== null && asked !== 'off')
      problems.push(
        `NAME_CHECK=${asked}: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name`,
      );
    return { nameCheck: 'off', problems };
  }
  if (mode === 'tcp' && mustChoose && nameCheck !== 'enforce') {
    problems.push(
      `NAME_CHECK=${nameCheck}: with several names or a wildcard in TARGET it can only be enforce, as other names have nowhere to go`,
    );
  }
  if (nameCheck === 'off') {
    if (ech === 'refuse') problems.push('TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only');
    return { nameCheck, problems };
  }
  const address = targets.find((target) => isIP(target) !== 0);
  if (address !== undefined)
    problems.push(
      `TARGET: names are checked (NAME_CHECK=${nameCheck}), and the address ${address} is no name`,
    );
  const way = mustChoose && mode === 'tcp' ? 'give such a target a relay of its own' : 'set NAME_CHECK=off';
  for (const { target } of ports) {
    if (SERVER_FIRST[target] === undefined) continue;
    problems.push(
      `PORT: names are checked (NAME_CHECK=${nameCheck}), and on port ${target} (${SERVER_FIRST[target]}) clients do not name the server first: ${way}`,
    );
  }
  return { nameCheck, problems };
}
