import { readFileSync } from 'node:fs';

import type { Protocol } from '../lib/protocol.ts';

/** A socket as the kernel tells of it. */
export interface KernelSocket {
  /** The local address, as the kernel writes it: words of 32 bits in the host's order, in hexadecimal. */
  readonly address: string;
  readonly port: number;
  /** The kernel's tcp_states.h, in hexadecimal; `07` for a UDP socket that is not connected. */
  readonly state: string;
  /** Datagrams that found its receive buffer full; UDP only. */
  readonly drops: number;
  /** That of its descriptors (fstat(2)). */
  readonly inode: number;
}

/** The state of a TCP socket that listens. */
export const LISTENING = '0A';

/** All of this network's sockets of a protocol (proc(5), /proc/net/tcp and udp). */
export function readSockets(protocol: Protocol): readonly KernelSocket[] {
  return [`/proc/net/${protocol}6`, `/proc/net/${protocol}`].flatMap((table) => {
    const [, ...lines] = readTable(table).trimEnd().split('\n');
    return lines.map((line) => {
      const [, local = '', , state = '', , , , , , inode, ...rest] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      return {
        address,
        port: Number.parseInt(port, 16),
        state,
        drops: protocol === 'udp' ? Number(rest.at(-1)) : 0,
        inode: Number(inode),
      };
    });
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
