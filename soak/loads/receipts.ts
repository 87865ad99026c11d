/** Has clients know whether their targets have got all that was sent, and its end: behind a target's own end no answer can tell. */
export class Receipts {
  readonly #expected = new Map<number, PromiseWithResolvers<void>>();

  /** Resolves once all of the request with this id has arrived; rejects when its target is through with it before. */
  async expect(id: number): Promise<void> {
    const receipt = Promise.withResolvers<void>();
    this.#expected.set(id, receipt);
    return receipt.promise.finally(() => this.#expected.delete(id));
  }

  /** To be called by the target when all has arrived. */
  arrived(id: number): void {
    this.#expected.get(id)?.resolve();
  }

  /** To be called by the target when the connection is closed, be all there or not. */
  closed(id: number): void {
    this.#expected.get(id)?.reject(new Error('the target has not got all of the request'));
  }

  /** To be called when nobody waits for it any more. */
  forget(id: number): void {
    this.#expected.get(id)?.resolve();
  }
}
