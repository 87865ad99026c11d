/** Why something would not work. */
export interface Problem {
  readonly text: string;
  /** Whether it is the configuration that has to change; else something is down, or taken, for now. */
  readonly isConfiguration: boolean;
}
