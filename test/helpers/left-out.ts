import type { Reporter, Vitest } from 'vitest/node';

/** What a run left out for want of a Docker engine. */
export const NO_ENGINE =
  'container tests: left out, as no Docker engine answers (REQUIRE_DOCKER=1 makes that a failure)';

/** Says at the very end of a run what it left out and why, as the same words at its start have scrolled away. */
export class LeftOut implements Reporter {
  readonly #atConfig: readonly string[];
  #vitest: Pick<Vitest, 'projects'> | undefined;

  constructor(atConfig: readonly string[]) {
    this.#atConfig = atConfig;
  }

  onInit(vitest: Pick<Vitest, 'projects'>): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(): void {
    const engineLacks = this.#vitest?.projects.some(
      (project) => project.getProvidedContext().dockerRun === null,
    );
    const lines = [...this.#atConfig, ...(engineLacks === true ? [NO_ENGINE] : [])];
    // After the summary, which the default reporter prints in the same turn.
    process.once('exit', () => lines.forEach((line) => console.log(line)));
  }
}
