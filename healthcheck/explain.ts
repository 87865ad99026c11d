import { checkControl } from './control.ts';

/** A probe sees no more than a reset when the relay cannot reach the target: adds the reason that the relay itself gives. */
export async function explain(
  probe: Promise<void>,
  { runDir, port }: { readonly runDir: string | null; readonly port: number },
): Promise<void> {
  try {
    await probe;
  } catch (cause) {
    const status = await checkControl(runDir).catch(() => null);
    const reason = status?.ports.find((each) => each.port === port)?.lastFailure;
    if (!reason || !(cause instanceof Error)) throw cause;
    throw new Error(`${cause.message}; the relay ${reason}`, { cause });
  }
}
