import { expect, test } from 'vitest';

import { asked } from './nameserver.ts';
import { served } from './suffer.ts';
import { ADDRESSES, namesWith, openWorld } from './world.ts';

test.each(['says nothing', 'says NXDOMAIN', 'says SERVFAIL', 'sends noise', 'leads to the link'])(
  'a nameserver that %s when the door starts is believed later',
  async (by) => {
    const world = await openWorld({}, by);
    const { client, nameserver } = world;
    for (const each of [client.good, client.bad]) each.tell({ call: each.way });
    await expect.poll(() => asked(world)).toBeGreaterThan(2);
    nameserver.tell({ by: 'truth', names: namesWith(ADDRESSES.bad) });
    await Promise.all([served(client.good), served(client.bad)]);
  },
);
