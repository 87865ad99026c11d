import { expect, onTestFinished, test } from 'vitest';

import { openCpuMeter } from '../../../bench/measure/cpu.ts';
import { readMemory } from '../../../bench/measure/memory.ts';
import { launch, said } from '../../../bench/world/launch.ts';
import { openLoopback } from '../../../bench/world/loopback.ts';

/** Has a child count to a million, waits for its end, and stays. */
const BUSY_CHILD =
  '(i=0; while [ $i -lt 1000000 ]; do i=$((i + 1)); done) & wait; echo counted; sleep 60 & wait';

test('what a peer used is counted with its children, ended or alive', async () => {
  const { relay } = openLoopback('in a test');
  const meter = openCpuMeter('test');
  const peer = launch(relay, ['sh', '-c', BUSY_CHILD], { cgroup: meter.cgroup });
  onTestFinished(async () => {
    peer.kill();
    await peer.ended;
    meter.close();
  });
  await said(peer, /counted/);
  expect(meter.read([peer.pid])).toBeGreaterThan(0.1);
  const { all, anonymous } = readMemory([peer.pid]);
  expect(anonymous).toBeGreaterThan(0);
  expect(all).toBeGreaterThan(anonymous);
});
