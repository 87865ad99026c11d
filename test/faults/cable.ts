import { join } from 'node:path';

import type { Seen } from './protocol.ts';
import { type Fault, isHeldUp, isHit } from './suffer.ts';
import type { Where, World } from './world.ts';

/** A cable: the door's end, whose other end it is, and the number in its addresses. */
interface Cable {
  readonly end: string;
  readonly leaf: Where;
  readonly number: number;
}

const onDoor =
  (script: string) =>
  ({ run }: World) =>
    run('door', 'sh', '-c', script);

/** A firewall of the door's own network that judges what comes and goes by a cable. */
const firewall = ({ end }: Cable, verdict: string) =>
  onDoor(`nft 'table inet fault {
    chain in { type filter hook input priority 0; iifname ${end} ${verdict}; }
    chain out { type filter hook output priority 0; oifname ${end} ${verdict}; }
    chain through { type filter hook forward priority 0; iifname ${end} ${verdict}; oifname ${end} ${verdict}; }
  }'`);
const noFirewall = onDoor('nft delete table inet fault');

/** Puts a bridge into a cable, which does to each frame what it is told. */
async function bridge({ end, leaf, number }: Cable, does: string, { run, start }: World): Promise<void> {
  await run(
    leaf,
    'sh',
    '-c',
    `
    set -e
    echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
    ip link add inner type veth peer name outer
    ethtool -K inner tx off tso off gso off gro off >/dev/null
    ip address flush dev cable
    ip address add 10.83.${number}.2/24 dev inner
    ip address add 10.83.${number}.3/24 dev inner
    ip link set outer promisc on up
    ip link set cable promisc on
    ip link set inner up`,
  );
  await run(
    'door',
    'sh',
    '-c',
    `ethtool -K ${end} tx off tso off gso off gro off >/dev/null; ip neigh flush dev ${end}`,
  );
  await start(leaf, 'python3', [join(import.meta.dirname, 'programs/bridge.py'), 'outer', 'cable', does], {
    ready: 'bridges',
  });
}

/** Whether a stream has come to less than so many bytes in the time of so many calls, from whenever that began. */
function isStalled(bytes: number, calls: number): NonNullable<Fault['shows']> {
  let since: Seen | null = null;
  return (seen) => {
    if (since === null || seen.stream.echoed >= since.stream.echoed + bytes) since = seen;
    return seen.calls.done > since.calls.done + calls;
  };
}

/** What can go wrong with a cable. */
export const faultsOf = (cable: Cable): readonly Fault[] => [
  {
    name: 'is down',
    inflict: onDoor(`ip link set ${cable.end} down`),
    shows: isHeldUp,
    mend: onDoor(`ip link set ${cable.end} up`),
  },
  {
    name: 'has no route',
    inflict: onDoor(`ip route del 10.83.${cable.number}.0/24 dev ${cable.end}`),
    shows: isHit,
    mend: onDoor(`ip route add 10.83.${cable.number}.0/24 dev ${cable.end} src 10.83.${cable.number}.1`),
  },
  {
    name: 'has another address at our end, and the old one again',
    inflict: onDoor(
      `ip address del 10.83.${cable.number}.1/24 dev ${cable.end}; ip address add 10.83.${cable.number}.7/24 dev ${cable.end}`,
    ),
    // Towards a target new connections come from the other address.
    shows: (seen, before) => isHit(seen, before) || seen.calls.done > before.calls.done + 20,
    // The other one stays: who vanishes with an address is given up after a minute, which vanished-peer.test.ts sees.
    mend: onDoor(`ip address add 10.83.${cable.number}.1/24 dev ${cable.end}`),
  },
  {
    name: 'swallows large packets, and no ICMP tells',
    inflict: firewall(cable, 'meta length > 600 drop'),
    // A call's packets are small; of the stream no more arrives than was on its way.
    shows: isStalled(64 * 1024, 20),
    mend: noFirewall,
  },
  {
    name: 'loses each fifth packet',
    inflict: firewall(cable, 'numgen random mod 5 lt 1 drop'),
    mend: noFirewall,
  },
  {
    name: 'loses everything',
    inflict: firewall(cable, 'drop'),
    shows: isHeldUp,
    mend: noFirewall,
  },
  {
    name: 'has a neighbour that does not answer',
    inflict: onDoor(
      `ip neigh replace 10.83.${cable.number}.2 lladdr 02:00:00:00:00:01 dev ${cable.end} nud permanent`,
    ),
    shows: isHit,
    mend: onDoor(`ip neigh del 10.83.${cable.number}.2 dev ${cable.end}`),
  },
  ...['loses', 'duplicates', 'reorders', 'corrupts'].map((does) => ({
    name: `${does} each tenth frame`,
    inflict: (world: World) => bridge(cable, does, world),
    shows: (seen: Seen, before: Seen) => seen.calls.done > before.calls.done + 20,
  })),
];
