import { decodePlan, encodePlan, type Plan } from './plan.ts';

/** How the end of an answer's content is told: by Content-Length, by chunks, or by the connection's end. */
export type Framing = 'length' | 'chunks' | 'end';

export const FRAMINGS: readonly Framing[] = ['length', 'chunks', 'end'];
/** Of a request: its plan, and how the answer is to be framed. Of an answer: the number of the target. */
export const FIELDS = { plan: 'x-plan', framing: 'x-framing', target: 'x-target' } as const;

/** The plan as a field's value. */
export function toField(plan: Plan): string {
  return encodePlan(plan).toString('base64url');
}

/** The plan again; null where the value is none. */
export function fromField(value: unknown): Plan | null {
  return typeof value === 'string' ? decodePlan(Buffer.from(value, 'base64url')) : null;
}
