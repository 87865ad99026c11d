import type { Log } from '../log.ts';
import type { Refusal } from '../wire/refusal.ts';

/** Says that a client was not let through, or would not be. */
export function logRefusal(
  log: Pick<Log, 'warn'>,
  client: string,
  { asked, rule, message }: Refusal,
  decision: 'refused' | 'would refuse' = 'refused',
): void {
  log.warn({ client, name: asked, rule, reason: message, decision }, decision);
}
