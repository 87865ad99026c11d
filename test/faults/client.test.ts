import { test } from 'vitest';

import type { ClientBehaviour } from './protocol.ts';
import { type Fault, suffer } from './suffer.ts';
import type { World } from './world.ts';

const tell =
  (behaviour: ClientBehaviour) =>
  ({ client }: World) =>
    client.bad.tell({ behave: behaviour });

const faults: readonly Fault[] = [
  {
    name: 'is killed, and another takes its place',
    async inflict({ client: { bad } }) {
      await bad.restart();
      bad.tell({ call: bad.way });
    },
  },
  {
    name: 'is reset',
    inflict: tell('reset live'),
    shows: ({ stream }, before) => stream.echoed > before.stream.echoed,
  },
  { name: 'says nothing', inflict: tell('mute'), mend: tell('talking') },
  { name: 'reads nothing', inflict: tell('not reading'), mend: tell('talking') },
  { name: 'says a byte a second', inflict: tell('one byte a second'), mend: tell('talking') },
  {
    name: 'ends what it says, and reads on',
    inflict: tell('half-closing'),
    shows: ({ stream }) => stream.endings.includes('complete'),
    mend: tell('talking'),
    endings: ['complete'],
  },
  {
    name: 'is stopped, and goes on',
    inflict: ({ client }) => void process.kill(client.bad.pid(), 'SIGSTOP'),
    mend: ({ client }) => void process.kill(client.bad.pid(), 'SIGCONT'),
  },
  {
    name: 'changes its address, and back',
    inflict: ({ run }) =>
      run(
        'badClient',
        'sh',
        '-c',
        'ip address del 10.83.4.2/24 dev cable; ip address add 10.83.4.9/24 dev cable',
      ),
    shows: ({ calls }, before) => calls.done > before.calls.done + 10,
    // The other one stays: who vanishes with an address is given up after a minute, which vanished-peer.test.ts sees.
    mend: ({ run }) => run('badClient', 'ip', 'address', 'add', '10.83.4.2/24', 'dev', 'cable'),
  },
];

test.each(faults)('a client $name', (fault) => suffer(fault));
