import { expect, onTestFinished, test } from 'vitest';

import { NAME, named } from '../../../bench/loads/named.ts';
import { openLoopback } from '../../../bench/world/loopback.ts';
import { askUdp, query } from '../../helpers/dns-server.ts';

test('named() has a nameserver that knows all names of the zone', async () => {
  const stack = new DisposableStack();
  onTestFinished(() => stack.dispose());
  const service = { port: 80, protocols: ['http'], connections: 1 } as const;
  const { name } = await named(service, openLoopback('in a test'), stack);
  const port = Number(name?.nameserver.split(':')[1]);
  const addresses = async (asked: string) => {
    const { answers } = await askUdp(query(asked, 'A'), { port });
    return answers.map((answer) => 'data' in answer && answer.data);
  };
  expect(await addresses(NAME)).toEqual(['127.0.0.1']);
  expect(await addresses('n999.bench.test')).toEqual(['127.0.0.1']);
  expect(await addresses('n999.other.test')).toEqual([]);
});
