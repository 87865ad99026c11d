import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** What a run left out for want of a Docker engine. */
export const NO_ENGINE =
  'container tests: left out, as no Docker engine answers (REQUIRE_DOCKER=1 makes that a failure)';

/** Says at the very end of a run what it left out and why, as the same words at its start have scrolled away. */
export class LeftOut implements Reporter {
  readonly #atConfig: readonly string[];
  #vitest: Pick<Vitest, 'projects' | 'config'> | undefined;

  constructor(atConfig: readonly string[]) {
    this.#atConfig = atConfig;
  }

  onInit(vitest: Pick<Vitest, 'projects' | 'config'>): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const engineLacks =
      this.#vitest?.projects.some((project) => project.getProvidedContext().dockerRun === null) === true;
    // Who asks for tests by name does not want the others.
    const isWhole = this.#vitest?.config.testNamePattern === undefined;
    const single = modules
      .filter(({ project }) => isWhole && !(engineLacks && project.name === 'container'))
      .map(({ relativeModuleId, children }) => ({
        relativeModuleId,
        count: [...children.allTests('skipped')].length,
      }))
      .filter(({ count }) => count > 0)
      .map(
        ({ relativeModuleId, count }) => `${relativeModuleId}: ${count} left out, by a condition in the file`,
      );
    const lines = [...this.#atConfig, ...single, ...(engineLacks ? [NO_ENGINE] : [])];
    // After the summary, which the default reporter prints in the same turn.
    process.once('exit', () => lines.forEach((line) => console.log(line)));
  }
}
