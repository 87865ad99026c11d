import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openCpuMeter } from '../measure/cpu.ts';
import { readMemory } from '../measure/memory.ts';
import { launch, type Running } from '../world/launch.ts';
import { listening, type Place } from '../world/place.ts';
import type { World } from '../world/world.ts';
import { type Peer, type Service, type Started, transportOf } from './peer.ts';

/** Notes the time, in s since the epoch, and becomes the program: what leads to it, entering a network namespace for one, is not its start. */
const STAMP = 'echo "$EPOCHREALTIME" >"$0"; exec "$@"';

/** Starts a peer before a service, and waits until it listens. Ended with the stack, where nobody has before. */
export async function startPeer(
  peer: Peer,
  service: Service,
  { world, stack }: { world: World; stack: DisposableStack },
): Promise<Started> {
  const { start } = peer;
  const { port } = service;
  if (start === null) {
    const none = () => null;
    return {
      peer,
      address: world.server.address,
      port,
      startup: null,
      cpu: none,
      memory: none,
      stop: async () => {},
    };
  }

  const resources = stack.use(new DisposableStack());
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  resources.defer(() => rmSync(directory, { recursive: true, force: true }));
  const own = peer.hasOwnNetwork ? await world.ownRelay() : null;
  const relay = own ?? world.relay;
  const { address, listen } = await listensAt(service, world, relay);
  const meter = openCpuMeter(`${peer.name}-${listen}`);
  resources.defer(() => meter.close());
  const running: Running[] = [];
  resources.defer(() => running.forEach((each) => each.kill()));

  let startup = 0;
  for (const transport of service.protocols.map(transportOf)) {
    const host = world.server.address;
    const route = { ...service, transport, address, listen, host, ...(own && { range: own.range }) };
    const files = mkdtempSync(join(directory, `${transport}-`));
    const { command, env } = start(route, files);
    const stamp = join(files, 'started-at');
    const each = launch(relay, ['bash', '-c', STAMP, stamp, ...command], {
      cgroup: meter.cgroup,
      ...(env && { env }),
    });
    running.push(each);
    const early = each.ended.then(({ code, output }) => {
      throw new Error(`${peer.name} ended with ${code}: ${output.trim()}`);
    });
    await Promise.race([early, listening(relay, { protocol: transport, address, port: listen })]);
    startup = Math.max(startup, Date.now() - 1_000 * Number(readFileSync(stamp, 'latin1')));
    early.catch(() => {}); // from here on its end is seen by whoever uses it
  }
  const groups = running.map(({ pid }) => pid);
  return {
    peer,
    address,
    port: listen,
    startup,
    cpu: () => meter.read(groups),
    memory: () => readMemory(groups),
    stop: async () => {
      for (const each of running) each.kill();
      await Promise.all(running.map(({ ended }) => ended));
      resources.dispose();
    },
  };
}

/** Any port will do, but nameservers are asked at one: so each has an address of its own. */
async function listensAt(
  { protocols, port }: Service,
  world: World,
  relay: Place,
): Promise<{ readonly address: string; readonly listen: number }> {
  if (protocols.includes('dns')) return { address: await world.freeAddress(), listen: port };
  return { address: relay.address, listen: await world.freePort() };
}
