import type { Log } from '../log.ts';
import type { Refusal } from '../wire/refusal.ts';

/** No name is longer (RFC 1035 §2.3.4); what a client sends may be. */
const MAX_NAME_LENGTH = 255;

/** Says that a client was not let through, or would not be. */
export function logRefusal(
  log: Pick<Log, 'warn'>,
  client: string,
  { asked, rule, message }: Refusal,
  decision: 'refused' | 'would refuse' = 'refused',
): void {
  log.warn(
    { client, name: asked?.slice(0, MAX_NAME_LENGTH) ?? null, rule, reason: message, decision },
    decision,
  );
}
