import { askRelay } from '../src/control/ask-relay.ts';

/** A probe may see no more than a reset when the relay cannot reach the target: adds the relay's own reason, unless the probe has told it. */
export async function explain(
  probe: Promise<void>,
  { runDir, port }: { readonly runDir: string | null; readonly port: number },
): Promise<void> {
  try {
    await probe;
  } catch (cause) {
    const status = await askRelay(runDir).catch(() => null);
    const reason = status?.ports.find((each) => each.port === port)?.lastFailure;
    if (!reason || !(cause instanceof Error) || cause.message.includes(reason)) throw cause;
    throw new Error(`${cause.message}; the relay ${reason}`, { cause });
  }
}
