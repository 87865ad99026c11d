import { type Linked, LinkedList } from '../../lib/linked-list.ts';

/** One that is ordered by where it comes from and by how long it has been idle. */
export interface Ordered<T> extends Linked<T> {
  /** Its source address. */
  readonly address: string;
}

/** What comes from one address. */
interface Source<T extends Ordered<T>> extends Linked<Source<T>> {
  readonly address: string;
  /** The idlest first. */
  readonly members: LinkedList<T>;
  size: number;
}

/**
 * The order in which members are to go: the source address that has most of them comes first, with its idlest. Of addresses that have as many,
 * the idlest comes first, so that those with one member each go in order of idleness. Everything takes constant time.
 */
export class FairOrder<T extends Ordered<T>> {
  readonly #sources = new Map<string, Source<T>>();
  /** By how many members they have, the idlest first. */
  readonly #bySize: LinkedList<Source<T>>[] = [];
  /** The largest of these sizes; 0 for none. */
  #most = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one that is to go first; null when there is none. */
  get first(): T | null {
    return this.#ofSize(this.#most).first?.members.first ?? null;
  }

  /** Adds one, the least idle. */
  add(member: T): void {
    const { address } = member;
    const source = this.#sources.get(address) ?? this.#newSource(address);
    source.members.push(member);
    this.#resize(source, source.size + 1);
  }

  /** Makes one that is there the least idle. */
  touch(member: T): void {
    const source = this.#sources.get(member.address) as Source<T>;
    source.members.delete(member);
    source.members.push(member);
    this.#resize(source, source.size);
  }

  /** Takes off one that is there. */
  delete(member: T): void {
    const source = this.#sources.get(member.address) as Source<T>;
    source.members.delete(member);
    this.#resize(source, source.size - 1);
  }

  #newSource(address: string): Source<T> {
    const source = { address, members: new LinkedList<T>(), size: 0, previous: null, next: null };
    this.#sources.set(address, source);
    return source;
  }

  /** Puts a source last among those of its size, which may change by one: so the largest size does too. */
  #resize(source: Source<T>, size: number): void {
    if (source.size > 0) this.#ofSize(source.size).delete(source);
    this.#size += size - source.size;
    source.size = size;
    if (size > 0) this.#ofSize(size).push(source);
    else this.#sources.delete(source.address);
    if (size > this.#most) this.#most = size;
    else if (this.#ofSize(this.#most).first === null) this.#most--;
  }

  #ofSize(size: number): LinkedList<Source<T>> {
    return (this.#bySize[size] ??= new LinkedList());
  }
}
