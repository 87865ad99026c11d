import type { SocketAddress } from '../../kernel/socket-address.ts';
import { sourceOf } from '../../lib/source-of.ts';
import { throttle } from '../../lib/throttle.ts';
import type { Lines } from '../../log/lines.ts';
import type { PortLog } from '../../log/log.ts';
import { Refusal } from '../../wire/refusal.ts';
import { IN_BLACKOUT } from '../blackout-flag.ts';
import { type Counters, type Counts, sumCounts } from '../counters.ts';
import { DialOrder } from '../dial-order.ts';
import { endpoint } from '../endpoint.ts';
import { listenAt, type Listening, type PortOptions } from '../listen-at.ts';
import { logRefusal, noLongerAllowed, type Reason } from '../log-refusal.ts';
import { SAID_EVERY, type ThreadRelay } from '../relay.ts';
import type { Slots } from '../slots.ts';
import { createSourceFilter } from '../source-filter.ts';
import { DialError, type Lead, type Target } from '../target.ts';
import { Session, type SessionEnding, type Shared } from './session.ts';
import { type Seat, Sessions } from './sessions.ts';
import { bindAt, type Datagrams, type UdpSocket } from './sockets.ts';

interface Options extends PortOptions, Omit<Shared, 'order' | 'onSilence'> {
  /** Where a new session leads, by the address of ours that its client sends to. Throws a Refusal where it may not be opened. */
  readonly lead: (own: () => string) => Lead;
  /** Whether that depends on the address. */
  readonly byAddress: boolean;
  /** Clients from this address are healthcheck probes. */
  readonly probeSource: string;
  /** Sessions at a time; one more replaces another (see Sessions). */
  readonly slots: Slots;
  /** Told when all slots are held by those who share the port: the datagram that would open a session is lost. */
  readonly onCrowded: () => void;
  /** Told when there are datagrams from clients. */
  readonly onTraffic: () => void;
  /** Told why the target does not answer, or null when it does; where no answers are expected, how sessions ended. */
  readonly onDial: (failure: string | null) => void;
  /** Whether the target answers. If not, all clients share one session, which asks for the name anew every `sessionTimeout`. */
  readonly answers: boolean;
  readonly log: PortLog;
  /** At which level the end of each session is logged; null for not at all. */
  readonly endLevel: 'info' | 'debug' | null;
}

/** By which listening socket a client reaches us, and what stands for it there. */
interface Flow {
  readonly socket: UdpSocket;
  readonly flow: string;
  /** The first of its datagrams in the batch. */
  readonly first: number;
}

/**
 * While more datagrams wait than can be received together, so many of these may replace sessions; a flood of new clients is then dropped sooner than datagrams
 * of known ones, as to open a session costs thirty times as much as to read a datagram.
 */
const REPLACED_PER_BATCH = 16;
/** Who has a session where no answers are expected. */
const EVERYONE = 'everyone';
/** How often a drain looks for sessions that are settled, in ms. */
const SWEEP_INTERVAL = 100;

/** Listens on a port. Rejects with a ListenError when it cannot. */
export async function listenUdp(options: Options): Promise<ThreadRelay> {
  const listening = await listenAt({
    protocol: 'udp',
    port: options.port,
    addresses: options.bind,
    open: (at) => bindAt(options.sockets, at, options),
  });
  return new UdpRelay(options, listening);
}

/** A port that is listened on, and its clients' sessions. */
class UdpRelay implements ThreadRelay {
  readonly protocol = 'udp';
  readonly port: number;
  readonly waiting = 0;
  readonly failed: Promise<never>;

  readonly #options: Options;
  readonly #batch: Datagrams;
  /** By listening socket, client and the address it sends to; where no answers are expected, by the last at most. */
  readonly #sessions = new Sessions();
  readonly #shared: Shared;
  readonly #isWelcome: ReturnType<typeof createSourceFilter> | null;
  readonly #sayFull: () => void;
  /** Resolves when a drain has no session left. */
  readonly #drained = Promise.withResolvers<void>();
  readonly #closed: Promise<void>;
  /** How many more sessions may be replaced for the datagrams in the batch. */
  #mayReplace = 0;
  #isDraining = false;
  #lastFailure: string | null = null;

  constructor(options: Options, { listeners, port, failed }: Listening<UdpSocket>) {
    const { sockets, allowFrom, slots, log, counters } = options;
    this.port = port;
    this.failed = failed;
    this.#options = options;
    this.#batch = sockets.received;
    this.#shared = {
      ...options,
      order: new DialOrder(),
      onSilence: ({ message }) => this.#tellFailure(message),
    };
    this.#isWelcome = allowFrom && createSourceFilter(allowFrom, { ...options, logInterval: SAID_EVERY });
    this.#sayFull = throttle(SAID_EVERY, () =>
      log.warn(
        { live: slots.held },
        'all slots are taken: new clients replace those that were never answered, or have been idle longest',
      ),
    );
    this.#closed = this.#drained.promise.then(() => {
      for (const socket of listeners) socket.close();
    });
    for (const [index, socket] of listeners.entries()) {
      socket.on('lost', (count) => counters.lost(count));
      socket.on('datagrams', () => this.#receive(socket, index));
    }
  }

  get live(): number {
    return this.#options.slots.held;
  }

  get limit(): number {
    return this.#options.slots.size;
  }

  get slots(): Slots {
    return this.#options.slots;
  }

  get counters(): Counters {
    return this.#options.counters;
  }

  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  counts(): Counts {
    return sumCounts([this.#options.counters.cells]);
  }

  makeRoom(): boolean {
    const hasRoom = this.#sessions.replace();
    if (hasRoom) this.#options.slots.release();
    return hasRoom;
  }

  async clear(how: 'cut' | 'drain'): Promise<void> {
    if (how === 'cut') this.#endAll();
  }

  keepOnly(isAllowed: (target: Target) => boolean): void {
    for (const session of this.#sessions.toArray())
      if (!isAllowed(session.target)) session.end('no longer in TARGET');
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const cut = () => {
      this.#endAll();
      this.#drained.resolve();
    };
    const sweeping = setInterval(() => this.#sweep(), SWEEP_INTERVAL);
    this.#sweep();
    if (signal.aborted) cut();
    else signal.addEventListener('abort', cut);
    await this.#closed;
    clearInterval(sweeping);
  }

  /** Ends the sessions that are settled. */
  #sweep(): void {
    for (const session of this.#sessions.toArray()) if (session.isQuiet) session.end('finished');
    if (this.#sessions.size === 0) this.#drained.resolve();
  }

  #endAll(): void {
    for (const session of this.#sessions.toArray()) session.end('cut off');
  }

  /** Takes what is in the batch, of a listening socket. */
  #receive(socket: UdpSocket, index: number): void {
    const { answers, onTraffic } = this.#options;
    const batch = this.#batch;
    const sessions = this.#sessions;
    onTraffic();
    this.#mayReplace = batch.isFull ? REPLACED_PER_BATCH : batch.count;
    for (let start = 0, end = 0; start < batch.count; start = end) {
      const flow = batch.flow(start);
      const key = answers ? `${index} ${flow}` : this.#keyOfAll(start);
      const known = sessions.get(key);
      // Who has a session of its own has been let in.
      const isLetIn = known !== null && (answers || this.#isWelcome === null);
      end = isLetIn ? this.#endOfRun(start) : start + 1;
      if (!isLetIn && !this.#mayPass(batch.addressOf(flow))) continue;
      if (known !== null) sessions.clientSent(known);
      const session = known === null ? this.#open(key, { socket, flow, first: start }) : known.session;
      session?.send(start, end);
    }
  }

  /** Of the session that all clients share. */
  #keyOfAll(i: number): string {
    return this.#options.byAddress ? `${EVERYONE} ${this.#batch.destination(i)}` : EVERYONE;
  }

  /** Of datagrams that go the same way. */
  #endOfRun(start: number): number {
    const batch = this.#batch;
    const { answers, byAddress } = this.#options;
    if (!answers && !byAddress) return batch.count;
    let end = start + 1;
    while (end < batch.count && batch.isOfSameFlow(start, end)) end++;
    return end;
  }

  #mayPass({ address, port }: SocketAddress): boolean {
    if (this.#options.answers && port === 0) return false; // nobody can be answered there (RFC 768)
    return this.#isWelcome === null || this.#isWelcome(address, port);
  }

  /** Opens the session of a client that has none, if it may have one. */
  #open(key: string, from: Flow): Session | null {
    if (this.#isDraining) return null;
    const lead = this.#lead(from);
    if (lead === null) return null;
    if (this.#takeSlot()) {
      this.#options.counters.opened();
      return this.#openSession(key, { ...from, lead });
    }
    lead.end();
    return null;
  }

  /** Where a client is led, unless it is refused. */
  #lead({ flow, first }: Flow): Lead | null {
    const batch = this.#batch;
    if (this.#options.blackoutFlag.isOn) return this.#refuse(flow, IN_BLACKOUT);
    try {
      return this.#options.lead(() => batch.addressOfDestination(batch.destination(first)));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      return this.#refuse(flow, cause);
    }
  }

  #refuse(flow: string, reason: Reason): null {
    const { address, port } = this.#batch.addressOf(flow);
    this.#reportRefusal(endpoint(address, port), reason);
    return null;
  }

  #reportRefusal(client: string, reason: Reason): void {
    this.#options.counters.refused(reason.rule);
    logRefusal(this.#options.log, client, reason);
  }

  /** Takes a free slot, or that of a session which it ends. */
  #takeSlot(): boolean {
    const { slots, counters, onCrowded } = this.#options;
    if (slots.tryTake()) return true;
    this.#sayFull();
    if (this.#mayReplace === 0) {
      counters.lost(1);
      return false;
    }
    this.#mayReplace--;
    // The slot is handed over: were it released, another thread could take it.
    const isReplaced = this.#sessions.replace();
    if (!isReplaced) onCrowded();
    return isReplaced;
  }

  #openSession(key: string, { socket, flow, lead }: Flow & { readonly lead: Lead }): Session {
    const { answers, slots, log } = this.#options;
    const { target } = lead;
    const client = this.#batch.addressOf(flow);
    const source = sourceOf(client.address);
    const about = ({ address }: Session) => ({
      client: answers ? endpoint(client.address, client.port) : EVERYONE,
      target: endpoint(target.host, target.port),
      address,
    });
    const open = (seat: Seat) =>
      new Session(this.#shared, {
        target,
        source,
        onAnswers: answers
          ? () => {
              this.#sessions.targetSent(seat);
              socket.send(0, this.#batch.count, flow);
              this.#tellFailure(null);
            }
          : null,
        onMove: (session, err) =>
          log.warn({ ...about(session), err }, 'no answer: the session goes on with another address'),
        onEnd: (session, ending) => {
          this.#sessions.delete(seat);
          lead.end();
          if (ending !== 'replaced') slots.release();
          this.#report(session, about(session), ending);
        },
      });
    return this.#sessions.add(key, source, open);
  }

  #report(
    session: Session,
    fields: Pick<Lines['session ended'], 'client' | 'target' | 'address'>,
    ending: SessionEnding,
  ): void {
    const { counters, log, answers, endLevel } = this.#options;
    const { meter, startedAt } = session;
    const { sent, received } = meter;
    const ms = Math.round(performance.now() - startedAt);
    const all = { ...fields, sent, received, ms };
    if (ending instanceof Error) {
      counters.refused(ending instanceof DialError ? ending.reason : 'target unreachable');
      this.#tellFailure(ending.message);
      return log.warn({ ...all, err: ending }, 'session failed');
    }
    if (ending === 'no longer in TARGET') this.#reportRefusal(fields.client, noLongerAllowed(session.target));
    if (!answers) this.#tellFailure(null);
    if (endLevel !== null) log[endLevel]({ ...all, ending }, 'session ended');
  }

  /** Why the target does not answer, or null as it does. */
  #tellFailure(failure: string | null): void {
    if (failure === this.#lastFailure) return;
    this.#lastFailure = failure;
    this.#options.onDial(failure);
  }
}
