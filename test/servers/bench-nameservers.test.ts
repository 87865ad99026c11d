import { expect, onTestFinished, test } from 'vitest';

import { dns } from '../../bench/loads/dns.ts';
import { dnsmasq } from '../../bench/peers/dnsmasq.ts';
import { sallyport } from '../../bench/peers/sallyport.ts';
import { startPeer } from '../../bench/peers/start.ts';
import { unbound } from '../../bench/peers/unbound.ts';
import { openLoopback } from '../../bench/world/loopback.ts';
import { openNamespaces } from '../../bench/world/namespaces.ts';
import { askUdp, query } from '../helpers/dns-server.ts';

const PEERS = [dnsmasq(), unbound(), sallyport({ name: 'sallyport' }, { node: process.execPath })];
const NAME = 'n7.bench.test';

function openStack(): DisposableStack {
  const stack = new DisposableStack();
  onTestFinished(() => stack.dispose());
  return stack;
}

test.for(PEERS)('$name answers what the load dns asks, with an address of its own', async (peer) => {
  const stack = openStack();
  const world = openLoopback('in a test');
  const service = await dns().serve(world, stack);
  const started = await startPeer(peer, service, { world, stack });
  onTestFinished(() => started.stop());

  const { address, port } = started;
  expect({ address, port }).toEqual({ address: expect.stringMatching(/^127\.83\.53\./), port: 53 });
  const ask = (name: string) => askUdp(query(name, 'A'), { port, host: address });
  expect(await ask(NAME)).toMatchObject({ rcode: 'NOERROR', answers: [{ name: NAME, data: address }] });
  expect((await ask('other.test')).answers).toEqual([]);
});

test('the load dns measures nameservers side by side, each at port 53', async () => {
  const stack = openStack();
  const world = await openNamespaces(stack);
  const load = dns();
  const service = await load.serve(world, stack);
  for (const peer of PEERS) {
    const started = await startPeer(peer, service, { world, stack });
    onTestFinished(() => started.stop());
    const readings = await load.run({ world, started, seconds: 1 });
    expect(Object.keys(readings)).toEqual(['dnsAnswers', 'dnsAnswersCpu', 'dnsP50', 'dnsP99']);
    expect(Math.min(...Object.values(readings))).toBeGreaterThan(0);
  }
});
