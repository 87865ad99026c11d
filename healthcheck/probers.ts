import type { Probe } from '../src/config/probes.ts';
import type { ProbeKind } from '../src/config/variables.ts';

/** A probe, and the relay's address that it goes to. */
export type PlacedProbe<K extends ProbeKind> = Probe<K> & { readonly address: string };

/** Rejects when there is no answer. */
type Prober<K extends ProbeKind> = (probe: PlacedProbe<K>) => Promise<void>;

/** Each kind's prober. It is loaded on use: most of the program's CPU time would go into reading unused libraries. */
const probers: { readonly [K in ProbeKind]: () => Promise<Prober<K>> } = {
  HTTP: async () => (await import('./http.ts')).probeHttp,
  SMTP: async () => (await import('./smtp.ts')).probeSmtp,
};

/** Sends a probe through the relay. Rejects when there is no answer within its timeout. */
export async function send<K extends ProbeKind>(probe: PlacedProbe<K>): Promise<void> {
  const prober = await probers[probe.kind]();
  await prober(probe);
}
