/** Where host names are looked up: in /etc/hosts, or through the nameservers of /etc/resolv.conf. */
export interface Service {
  readonly service: 'files' | 'dns';
  /** Whether the next one is left alone when this one says that there is no address, and when it can say nothing. */
  readonly endsOn: { readonly notFound: boolean; readonly failure: boolean };
}

/** glibc's own, from 2.33 on. */
const DEFAULT = 'files dns';
/** The status of a DNS lookup that nobody answered, in nsswitch.conf's words. */
const FAILURE = 'TRYAGAIN';
const NOT_FOUND = 'NOTFOUND';

/**
 * Reads the services of the line `hosts:` in /etc/nsswitch.conf, with their actions such as `[NOTFOUND=return]` (nsswitch.conf(5)). Other services than
 * these two are modules that would have to be loaded: they are passed over with their actions, as glibc passes over those that are not installed.
 */
export function parseNsswitch(text: string): readonly Service[] {
  const [, line = DEFAULT] = /^[ \t]*hosts:([^\n#]*)/m.exec(text) ?? [];
  const written = line.matchAll(/([^\s[\]]+)\s*((?:\[[^\]]*\]\s*)*)/g);
  return [...written].flatMap(([, service, actions = '']) =>
    service === 'files' || service === 'dns'
      ? [
          {
            service,
            endsOn: { notFound: returnsOn(NOT_FOUND, actions), failure: returnsOn(FAILURE, actions) },
          },
        ]
      : [],
  );
}

/** By the last action that speaks of the status; by default the next service is asked. */
function returnsOn(status: string, actions: string): boolean {
  const spoken = [...actions.toUpperCase().matchAll(/(!?)(\w+)=(\w+)/g)].filter(
    ([, not, named]) => (named === status) === (not === ''),
  );
  return spoken.at(-1)?.[3] === 'RETURN';
}
