import type { Status } from './protocol.ts';

/** What the kernel does in front of the relay, for people; nothing where it is not to do anything. */
export function describeFastLane(fastLane: Status['fastLane']): readonly string[] {
  if (fastLane === null) return [];
  const { lanes, trouble } = fastLane;
  return trouble === null
    ? [`the kernel takes new clients by ${lanes === 1 ? 'one lane' : `${lanes ?? 0} lanes`}`]
    : [`the kernel cannot be told what to take, and may go by what it was told last: ${trouble}`];
}
