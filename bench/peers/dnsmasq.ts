import type { Peer } from './peer.ts';
import { versionOf } from './versions.ts';

/** In the foreground; with names of its own, and nobody to ask for others. */
export function dnsmasq(): Peer {
  return {
    name: 'dnsmasq',
    description: 'dnsmasq, a host record for each name',
    version: versionOf('dnsmasq', '--version', /version (\d[\d.]*)/),
    packages: ['dnsmasq-base'],
    protocols: ['dns'],
    start({ address, listen, zone = [] }) {
      const alone = ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts'];
      const at = [`--listen-address=${address}`, '--bind-interfaces', `--port=${listen}`];
      const records = zone.map((name) => `--host-record=${name},${address}`);
      return { command: ['dnsmasq', ...alone, ...at, ...records] };
    },
  };
}
