import type { PortLog } from '../log/log.ts';
import type { Rule } from '../wire/refusal.ts';
import { endpoint } from './endpoint.ts';
import type { Target } from './target.ts';

/** What a client can fall foul of: what it says, or where it comes from, or that nobody is let in. */
export type RefusalRule =
  | Rule
  | 'source not allowed'
  | 'blackout'
  | 'no longer in TARGET'
  | 'no address left';

/** Why a client is not let through: by what it says, by where it comes from, or as nobody is. */
export interface Reason {
  readonly rule: RefusalRule;
  /** The name it asked for; null where there is none. */
  readonly asked: string | null;
  readonly message: string;
}

/** For whoever has been let through, and would not be any more. */
export function noLongerAllowed({ host, port, asked }: Target): Reason {
  const rule = 'no longer in TARGET';
  return { rule, asked, message: `${endpoint(host, port)} is ${rule}` };
}

/** Says that a client was not let through, or would not be. */
export function logRefusal(
  log: Pick<PortLog, 'warn'>,
  client: string,
  { asked, rule, message }: Reason,
  decision: 'refused' | 'would refuse' = 'refused',
): void {
  log.warn({ client, name: asked, rule, reason: message, decision }, decision);
}
