import { existsSync } from 'node:fs';

/** A sysctl that the kernel registers for the network of the host alone (net/core/sysctl_net_core.c). */
const HOST_ONLY = '/proc/sys/net/core/netdev_max_backlog';

/** Whether we are in the network of the host itself: its routes and addresses are nobody's wall. */
export function isHostNetwork(): boolean {
  return existsSync(HOST_ONLY);
}
