import type { Probe } from '../src/config/probes.ts';

/** A probe, and the relay's address that it goes to. */
export interface PlacedProbe extends Probe {
  readonly address: string;
}
