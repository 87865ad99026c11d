import { FairOrder, type Ordered } from './fair-order.ts';
import type { Session } from './session.ts';

/** How much speaks for a client being who it says it is; the least first. */
const STAGES = {
  /** It has sent one datagram, or several together. */
  NEW: 0,
  /** It has sent again, unanswered, in this session or in one that was replaced. */
  SENT_AGAIN: 1,
  /** It has been answered. */
  ANSWERED: 2,
  /** It has sent something after an answer. */
  CONVERSING: 3,
} as const;
type Stage = (typeof STAGES)[keyof typeof STAGES];

/** The share of all sessions, one in so many, that is let be at any stage: those who are to be answered have to stay for that long. */
const SHARE = 8;
/** So many clients whose session was replaced are remembered, and at most twice as many. */
const REMEMBERED = 8_192;

/** A session's place among the others. */
export interface Seat extends Ordered<Seat> {
  readonly key: string;
  /** Null when it has ended: tables that a Map has outgrown keep what was in them alive for a while (see Roster). */
  session: Session | null;
  stage: Stage;
}

/**
 * The sessions of a port by client, and which of them is replaced by a new one. Source addresses can be forged, but whoever forges one does not get the
 * answers, and comes back with another. So the session is taken from the lowest stage that is, together with those below it, more than an eighth of
 * all. At one stage, the source address that has most sessions gives up its idlest. Everything takes constant time.
 *
 * The eighth is let be because two queries at a time on a full port would else end each other, while sessions
 * that are over stay.
 */
export class Sessions {
  readonly #seats = new Map<string, Seat>();
  readonly #orders = Object.values(STAGES).map(() => new FairOrder<Seat>());
  /** Clients whose session was replaced: lately, and before. */
  #replaced = new Set<string>();
  #replacedBefore: ReadonlySet<string> = new Set();

  get size(): number {
    return this.#seats.size;
  }

  get(key: string): Seat | null {
    return this.#seats.get(key) ?? null;
  }

  /** Adds a session of a client that has none, which comes from the address; `open` opens it, for the seat that it is to have. */
  add(key: string, address: string, open: (seat: Seat) => Session): Session {
    const hasSentBefore = this.#replaced.has(key) || this.#replacedBefore.has(key);
    const stage = hasSentBefore ? STAGES.SENT_AGAIN : STAGES.NEW;
    const seat: Seat = { key, address, session: null, stage, previous: null, next: null };
    const session = open(seat);
    seat.session = session;
    this.#seats.set(key, seat);
    this.#orders[stage]?.add(seat);
    return session;
  }

  /** To be called when the client has sent something, but for what has opened the session. */
  clientSent(seat: Seat): void {
    const isAnswered = seat.stage >= STAGES.ANSWERED;
    this.#move(seat, isAnswered ? STAGES.CONVERSING : STAGES.SENT_AGAIN);
  }

  /** To be called when the target has. */
  targetSent(seat: Seat): void {
    this.#move(seat, seat.stage === STAGES.CONVERSING ? STAGES.CONVERSING : STAGES.ANSWERED);
  }

  /** Takes off one that is there. */
  delete(seat: Seat): void {
    this.#orders[seat.stage]?.delete(seat);
    this.#seats.delete(seat.key);
    seat.session = null;
  }

  /** Ends the session that a new one is to replace, whose slot is the caller's then; whether there was one. */
  replace(): boolean {
    let count = 0;
    const order = this.#orders.find(({ size }) => (count += size) * SHARE > this.size);
    const seat = order?.first ?? null;
    if (seat === null) return false;
    this.#remember(seat.key);
    seat.session?.end('replaced');
    return true;
  }

  /** Those that are there now. */
  toArray(): readonly Session[] {
    return [...this.#seats.values()].flatMap(({ session }) => session ?? []);
  }

  #remember(key: string): void {
    if (this.#replaced.size >= REMEMBERED) {
      this.#replacedBefore = this.#replaced;
      this.#replaced = new Set();
    }
    this.#replaced.add(key);
  }

  #move(seat: Seat, stage: Stage): void {
    if (stage === seat.stage) return this.#orders[stage]?.touch(seat);
    this.#orders[seat.stage]?.delete(seat);
    seat.stage = stage;
    this.#orders[stage]?.add(seat);
  }
}
