import { endpoint } from '../relay/endpoint.ts';
import { UDP_PATIENCE } from '../relay/relay.ts';
import { forgetFlows, listFlows } from './conntrack.ts';

interface Options {
  /** After so long without a datagram the kernel forgets a session, in s. */
  readonly timeout: number;
  /** Whether any could go on with another address; and those of one lane. */
  readonly mayMove: () => boolean;
  readonly hasOthers: (id: number) => boolean;
}

/** Has sessions of UDP that go on unanswered begin anew, with the name's next address, until what it returns is called. */
export function watchSilence({ timeout, mayMove, hasOthers }: Options): () => void {
  let before: ReadonlySet<string> = new Set();

  async function look(): Promise<void> {
    if (!mayMove()) return;
    const unanswered = (await listFlows()).filter(
      ({ id, state, isAnswered }) => state === '' && !isAnswered && hasOthers(id),
    );
    const keyOf = ({ id, client }: (typeof unanswered)[number]) =>
      `${id} ${endpoint(client.address, client.port)}`;
    for (const flow of unanswered) {
      const isSending = flow.left > timeout - UDP_PATIENCE / 1_000;
      if (isSending && before.has(keyOf(flow)))
        await forgetFlows({ id: flow.id, protocol: 'udp', client: flow.client });
    }
    before = new Set(unanswered.map(keyOf));
  }

  const timer = setInterval(() => void look().catch(() => {}), UDP_PATIENCE).unref();
  return () => clearInterval(timer);
}
