import { messageOf } from '../message-of.ts';

/** A Worker, or a worker's own port to the main thread. */
interface Port {
  readonly postMessage: (message: unknown) => void;
  readonly on: (event: 'message', listener: (message: Call | Answer) => void) => unknown;
}

/** What one thread can ask of another. Arguments and results are copied (the structured clone of HTML §2.7). */
type Methods<T> = { readonly [K in keyof T]: (...args: never[]) => unknown };

type Call = { readonly id: number; readonly method: string; readonly args: readonly unknown[] };
type Answer = { readonly answers: number; readonly result?: unknown; readonly problem?: string };

/** Asks the other thread. Rejects with what its method threw, as far as a message can tell. */
export type Ask<Remote extends Methods<Remote>> = <K extends keyof Remote & string>(
  method: K,
  ...args: Parameters<Remote[K]>
) => Promise<Awaited<ReturnType<Remote[K]>>>;

/** Answers the other thread's calls with `local`, from now on; what it returns makes calls to that thread. */
export function openChannel<Remote extends Methods<Remote>, Local extends Methods<Local>>(
  port: Port,
  local: Local,
): Ask<Remote> {
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;

  async function answer({ id, method, args }: Call): Promise<void> {
    const reply = await callLocal(method, args).then(
      (result) => ({ answers: id, result }),
      (cause: unknown) => ({ answers: id, problem: messageOf(cause) }),
    );
    port.postMessage(reply satisfies Answer);
  }
  async function callLocal(method: string, args: readonly unknown[]): Promise<unknown> {
    return local[method as keyof Local](...(args as never[]));
  }

  port.on('message', (message) => {
    if ('method' in message) return void answer(message);
    const { answers, result, problem } = message;
    const waiting = asked.get(answers);
    asked.delete(answers);
    if (problem === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(problem));
  });

  return ((method: string, ...args: unknown[]) => {
    const id = count++;
    const waiting = Promise.withResolvers<unknown>();
    asked.set(id, waiting);
    port.postMessage({ id, method, args } satisfies Call);
    return waiting.promise;
  }) as Ask<Remote>;
}
