import { type Linked, LinkedList } from '../lib/linked-list.ts';

/** A client that takes room without being served. */
export interface Member extends Linked<Member> {
  /** Its source address. */
  readonly source: string;
  /** What has been read of it and is kept, in bytes; the crowd's to write. */
  held: number;
  /** Told that it has been sent away. */
  onSentAway: () => void;
}

interface Bounds {
  readonly size: number;
  /** Of what all members hold. */
  readonly bytes: number;
  /** Who goes first, of those from one address: the oldest of those that have named nobody, as it may be silent; the newest of those that wait for a slot. */
  readonly leaver: 'oldest' | 'newest';
}

/** What comes from one address. */
interface Source {
  readonly members: LinkedList<Member>;
  size: number;
  bytes: number;
}

/** What a member takes beside what it holds, in bytes; roughly. */
const MEMBER = 4 * 1024;

/** Clients that are not served yet, bounded in number and in bytes: whoever makes it too many, the address that takes most room loses one of its own. */
export class Crowd {
  readonly #bounds: Bounds;
  readonly #sources = new Map<string, Source>();
  #size = 0;
  #bytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Lets one in, which holds nothing so far. */
  enter(member: Member): void {
    const source = this.#sourceOf(member);
    source.members.push(member);
    member.held = 0;
    this.#add(source, 1, 0);
    this.#bound();
  }

  /** Whether one more from this address would be sent away at once. */
  isShutTo(source: string): boolean {
    const { size, leaver } = this.#bounds;
    if (this.#size < size || leaver === 'oldest') return false;
    const own = this.#sources.get(source);
    const after = (own === undefined ? 0 : room(own)) + MEMBER;
    return [...this.#sources.values()].every((other) => other === own || room(other) < after);
  }

  /** To be called when a member holds so many bytes. */
  hold(member: Member, bytes: number): void {
    this.#add(this.#sourceOf(member), 0, bytes - member.held);
    member.held = bytes;
    this.#bound();
  }

  /** To be called when a member leaves, but for whom is sent away. */
  leave(member: Member): void {
    const source = this.#sourceOf(member);
    source.members.delete(member);
    this.#add(source, -1, -member.held);
    if (source.size === 0) this.#sources.delete(member.source);
  }

  #bound(): void {
    while (this.#size > this.#bounds.size || this.#bytes > this.#bounds.bytes) {
      const { first, last } = this.#largest().members;
      const leaver = (this.#bounds.leaver === 'oldest' ? first : last) as Member;
      this.leave(leaver);
      leaver.onSentAway();
    }
  }

  /** There are no more addresses than members, and this is asked only when there are too many. */
  #largest(): Source {
    const { leaver } = this.#bounds;
    const isMore = (one: Source, other: Source) =>
      leaver === 'oldest' ? room(one) > room(other) : room(one) >= room(other);
    return [...this.#sources.values()].reduce((most, source) => (isMore(source, most) ? source : most));
  }

  #sourceOf({ source }: Member): Source {
    let known = this.#sources.get(source);
    if (known === undefined)
      this.#sources.set(source, (known = { members: new LinkedList(), size: 0, bytes: 0 }));
    return known;
  }

  #add(source: Source, size: number, bytes: number): void {
    source.size += size;
    source.bytes += bytes;
    this.#size += size;
    this.#bytes += bytes;
  }
}

function room({ size, bytes }: Source): number {
  return size * MEMBER + bytes;
}
