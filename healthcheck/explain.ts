import { hostOf } from '../src/config/probes.ts';
import { askRelay } from '../src/control/ask-relay.ts';
import type { Status } from '../src/control/protocol.ts';

interface Where {
  readonly runDir: string | null;
  readonly url: URL;
  readonly port: number;
}

/** A probe may see no more than a reset or silence when the relay cannot reach the target: adds the relay's own reason, unless the probe has told it. */
export async function explain(probe: Promise<void>, { runDir, ...where }: Where): Promise<void> {
  try {
    await probe;
  } catch (cause) {
    const status = await askRelay(runDir).catch(() => null);
    const reason = status && reasonOf(status, where);
    if (!reason || !(cause instanceof Error) || cause.message.includes(reason)) throw cause;
    throw new Error(`${cause.message}; the relay ${reason}`, { cause });
  }
}

function reasonOf({ ports, names }: Status, { url, port }: Omit<Where, 'runDir'>): string | null {
  const failure = ports.find((each) => each.port === port)?.lastFailure ?? null;
  const problem = names.find(({ name }) => name === hostOf(url))?.problem ?? null;
  return failure ?? (problem && `cannot resolve ${hostOf(url)}: ${problem}`);
}
