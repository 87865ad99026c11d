import { join } from 'node:path';

import { test } from 'vitest';

import type { Daemon } from '../helpers/daemon.ts';
import { served, suffer } from './suffer.ts';

/** Of programs/attacker.ts. */
const ATTACKS = [
  'opens connections and says nothing',
  'begins hellos without end',
  'begins heads without end',
  'takes all slots and sends others to wait',
  'pipelines requests and reads no answer',
  'sends heads of sixty thousand fields',
  'sends chunks of one byte',
  'is reset while its target has more to say',
  'is refused again and again, under names of its own',
  'sends datagrams from one socket after the other',
  'floods the DNS of the door',
  'opens connections to the DNS of the door, and says half a question',
];

/** The attacker's own address, beside the client's. */
const OWN = '10.83.4.3';

test.each(ATTACKS)('a client that %s costs the others nothing', async (attack) => {
  const file = join(import.meta.dirname, 'programs/attacker.ts');
  let attacker: Daemon;
  await suffer({
    async inflict({ run, start, client: { good, bad } }) {
      // Answers to the attacker's ports shall not be taken for answers to the client's.
      await run('badClient', 'ip', 'address', 'add', `${OWN}/24`, 'dev', 'cable');
      attacker = await start('badClient', process.execPath, [file, attack, bad.way.address, OWN], {
        ready: 'is under way',
      });
      await served(good);
    },
    async mend() {
      process.kill(attacker.pid, 'SIGKILL');
      await attacker.ended;
    },
  });
});
