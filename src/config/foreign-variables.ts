/** Variables of docker-whitelist-gateway, and what to write here instead. */
const FOREIGN: Readonly<Record<string, (value: string) => string>> = {
  ALLOWED_HOSTS: (hosts) => `write TARGET=${JSON.stringify(hosts)}, and the ports of each`,
  RESOLVE_INTERVAL: () => 'write PRE_RESOLVE=1, which asks for each name again before its TTL ends',
  DNS_UPSTREAMS: (servers) => `write PRE_RESOLVE=1 and NAMESERVERS=${JSON.stringify(servers)}`,
  DNS_INTERNAL_NAMES: () => "leave it out, as Docker's own DNS knows them, and is asked before DNS=1",
  MODE_RUN: () => "leave it out, and the sidecar with it: the app finds the door by DNS=1 and the app's dns:",
};

/** Variables of that program which are set: a sentence each. */
export function findForeign(environment: NodeJS.ProcessEnv): readonly string[] {
  return Object.entries(FOREIGN).flatMap(([name, insteadOf]) => {
    const value = environment[name]?.trim();
    return value === undefined || value === ''
      ? []
      : [`${name} is set, but is docker-whitelist-gateway's: ${insteadOf(value)}`];
  });
}
