import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel tells of a process; null once it has ended. */
export function readProcess(pid: number): { readonly rss: number; readonly descriptors: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
    return { rss, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/** How many datagrams the kernel has dropped in this network so far, for want of room at a socket (proc(5)'s net/snmp). */
export function droppedDatagrams(): number {
  const [names = '', values = ''] = readFileSync('/proc/net/snmp', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('Udp:'));
  const at = (name: string) => Number(values.split(' ')[names.split(' ').indexOf(name)] ?? 0);
  return at('RcvbufErrors') + at('SndbufErrors') + at('MemErrors');
}
