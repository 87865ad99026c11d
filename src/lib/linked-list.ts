/** A member's neighbours in the one list that it is in. */
export interface Linked<T> {
  previous: T | null;
  next: T | null;
}

/** A list whose members hold its links, so that each can leave from the middle at once, and leaves nothing behind. */
export class LinkedList<T extends Linked<T>> {
  #first: T | null = null;
  #last: T | null = null;

  get first(): T | null {
    return this.#first;
  }

  get last(): T | null {
    return this.#last;
  }

  /** Adds one that is in no list, as the last. */
  push(member: T): void {
    member.previous = this.#last;
    if (this.#last === null) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
  }

  /** Takes off one that is in this list. */
  delete(member: T): void {
    const { previous, next } = member;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    member.previous = null;
    member.next = null;
  }
}
