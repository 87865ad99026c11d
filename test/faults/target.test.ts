import { test } from 'vitest';

import type { TargetBehaviour } from './protocol.ts';
import { type Fault, isHeldUp, isServedBy, suffer } from './suffer.ts';
import { ADDRESSES, HAS_LANES, namesWith, type World } from './world.ts';

const tell =
  (behaviour: TargetBehaviour) =>
  ({ target }: World) =>
    target.bad.tell(behaviour);
const drop =
  'table inet fault { chain in { type filter hook input priority 0; meta l4proto { tcp, udp } drop; }; }';

const faults: readonly Fault[] = [
  {
    name: 'is killed, and another takes its place',
    inflict: ({ target }) => target.bad.kill(),
    shows: ({ stream }) => stream.endings.length > 0,
    mend: ({ target }) => target.bad.restart(),
    // The kernel sends a FIN for a process that has read all, however it ended.
    endings: ['FIN'],
    isShort: true,
  },
  {
    name: 'refuses whoever is new',
    inflict: tell('refusing'),
    // Without a relay between, the target itself is heard.
    shows: ({ calls }) => (HAS_LANES ? 'ECONNREFUSED' : 'ECONNRESET') in calls.failed,
    mend: tell('echo'),
  },
  {
    name: 'has its firewall drop everything',
    inflict: ({ run }) => run('badTarget', 'nft', drop),
    // Without a relay between, nobody is.
    shows: (seen, before) => (HAS_LANES ? isHeldUp(seen, before) : 'ECONNRESET' in seen.calls.failed),
    mend: ({ run }) => run('badTarget', 'nft', 'delete', 'table', 'inet', 'fault'),
  },
  {
    name: 'resets whom it accepts',
    inflict: tell('reset on accept'),
    shows: ({ calls }) => 'ECONNRESET' in calls.failed,
    mend: tell('echo'),
  },
  {
    name: 'resets what lives',
    inflict: tell('reset live'),
    shows: ({ stream }) => stream.endings.includes('ECONNRESET'),
  },
  {
    name: 'reads, and says nothing',
    inflict: tell('mute'),
    shows: isHeldUp,
    async mend({ target }) {
      target.bad.tell('reset live');
      target.bad.tell('echo');
    },
  },
  { name: 'reads nothing', inflict: tell('not reading'), shows: isHeldUp, mend: tell('echo') },
  { name: 'takes a byte a second', inflict: tell('one byte a second'), shows: isHeldUp, mend: tell('echo') },
  {
    name: 'is stopped, and goes on',
    inflict: ({ target }) => process.kill(target.bad.pid(), 'SIGSTOP'),
    shows: isHeldUp,
    mend: ({ target }) => process.kill(target.bad.pid(), 'SIGCONT'),
  },
  {
    name: 'ends its answers early',
    inflict: tell('half-closing'),
    shows: ({ stream }) => stream.endings.includes('FIN'),
    mend: tell('echo'),
    endings: ['FIN'],
    isShort: true,
  },
  {
    name: 'moves to another address',
    inflict: ({ nameserver }) => nameserver.tell({ by: 'truth', names: namesWith(ADDRESSES.moved) }),
    shows: isServedBy(ADDRESSES.moved),
    isHarmless: true,
  },
  {
    name: 'moves at each question',
    inflict: ({ nameserver }) =>
      nameserver.tell({ by: 'one address by turns', names: namesWith(ADDRESSES.bad, ADDRESSES.moved) }),
    shows: isServedBy(ADDRESSES.moved, ADDRESSES.bad),
    isHarmless: true,
  },
];

test.each(faults)('a target $name', (fault) => suffer(fault));
