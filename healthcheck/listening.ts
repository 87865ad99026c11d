import { readFileSync } from 'node:fs';

/** The state column of /proc/net/tcp and /proc/net/udp for a socket that listens (TCP_LISTEN; TCP_CLOSE for unconnected UDP). */
const LISTENING = { tcp: '0A', udp: '07' } as const;

/** Rejects when the kernel knows no listening socket for one of the ports (proc(5), /proc/net/tcp). */
export function checkListening(mode: 'tcp' | 'udp', ports: ReadonlySet<number>): void {
  const listening = new Set(
    [`/proc/net/${mode}6`, `/proc/net/${mode}`].flatMap((table) => readPorts(table, LISTENING[mode])),
  );
  const missing = [...ports].filter((port) => !listening.has(port));
  if (missing.length > 0) throw new Error(`nothing listens on ${mode} port ${missing.join(', ')}`);
}

function readPorts(table: string, state: string): readonly number[] {
  const lines = readTable(table).split('\n');
  return lines.flatMap((line) => {
    const [, local = '', , st] = line.trim().split(/\s+/);
    return st === state ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : [];
  });
}

/** Empty on a host without IPv6, which has no such table. */
function readTable(table: string): string {
  try {
    return readFileSync(table, 'latin1');
  } catch {
    return '';
  }
}
