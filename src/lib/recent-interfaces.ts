import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/** By label, as Node has them. */
export type Interfaces = ReturnType<typeof networkInterfaces>;

/** Networks are attached to a running container; at this age the list is read again, in ms. */
const MAX_AGE = 1_000;

let interfaces: Interfaces = {};
let readAt = -Infinity;

/** This host's interfaces, as they were within the last second: reading them costs as much as a DNS lookup. The same object until they are read anew. */
export function recentInterfaces(): Interfaces {
  const now = performance.now();
  if (now - readAt > MAX_AGE) {
    interfaces = networkInterfaces();
    readAt = now;
  }
  return interfaces;
}

/** Every address of these interfaces. */
export function addressesOf(all: Interfaces): readonly NetworkInterfaceInfo[] {
  return Object.values(all).flatMap((each) => each ?? []);
}
