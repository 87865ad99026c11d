import { messageOf } from '../lib/message-of.ts';

/** A Worker, or a worker's own port to the main thread. */
interface Port {
  readonly postMessage: (message: unknown) => void;
  readonly on: (event: 'message', listener: (message: Call | Answer | Abort) => void) => unknown;
}

/**
 * What one thread can ask of another. Arguments and results are copied (the structured clone of HTML §2.7), but for a signal as the last argument: there it
 * aborts when it does here.
 */
type Methods<T> = { readonly [K in keyof T]: (...args: never[]) => unknown };

type Call = {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly endsWithSignal: boolean;
};
/** An error's name and message are what is left of a reason. */
type Abort = { readonly aborts: number; readonly name: string; readonly message: string };
type Answer = { readonly answers: number; readonly result?: unknown; readonly problem?: string };

/** Asks the other thread. Rejects with what its method threw, as far as a message can tell. */
export type Ask<Remote extends Methods<Remote>> = <K extends keyof Remote & string>(
  method: K,
  ...args: Parameters<Remote[K]>
) => Promise<Awaited<ReturnType<Remote[K]>>>;

/** Calls the other thread's methods, from now on. */
export function callsTo<Remote extends Methods<Remote>>(port: Port): Ask<Remote> {
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  port.on('message', (message) => {
    if (!('answers' in message)) return;
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
    const last = args.at(-1);
    const signal = last instanceof AbortSignal ? last : null;
    const copied = signal === null ? args : args.slice(0, -1);
    port.postMessage({ id, method, args: copied, endsWithSignal: signal !== null } satisfies Call);
    signal?.addEventListener('abort', () => {
      const name = signal.reason instanceof Error ? signal.reason.name : 'AbortError';
      port.postMessage({ aborts: id, name, message: messageOf(signal.reason) } satisfies Abort);
    });
    return waiting.promise;
  }) as Ask<Remote>;
}

/** Answers the other thread's calls with these methods, from now on: a call that came before is never answered. */
export function answerCalls<Local extends Methods<Local>>(port: Port, local: Local): void {
  /** Of the calls under way that may be aborted. */
  const abortable = new Map<number, AbortController>();

  async function answer({ id, method, args, endsWithSignal }: Call): Promise<void> {
    const over = new AbortController();
    if (endsWithSignal) abortable.set(id, over);
    const reply = await callLocal(method, endsWithSignal ? [...args, over.signal] : args).then(
      (result) => ({ answers: id, result }),
      (cause: unknown) => ({ answers: id, problem: messageOf(cause) }),
    );
    abortable.delete(id);
    port.postMessage(reply satisfies Answer);
  }
  async function callLocal(method: string, args: readonly unknown[]): Promise<unknown> {
    return local[method as keyof Local](...(args as never[]));
  }

  port.on('message', (message) => {
    if ('method' in message) void answer(message);
    else if ('aborts' in message) {
      const { aborts, name, message: text } = message;
      abortable.get(aborts)?.abort(Object.assign(new Error(text), { name }));
    }
  });
}
