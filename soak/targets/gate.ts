/** Holds up who passes while it is shut. */
export class Gate {
  #shut: PromiseWithResolvers<void> | null = null;

  get isShut(): boolean {
    return this.#shut !== null;
  }

  shut(): void {
    this.#shut ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.#shut?.resolve();
    this.#shut = null;
  }

  /** Resolves once it is open. */
  async passed(): Promise<void> {
    while (this.#shut !== null) await this.#shut.promise;
  }
}
