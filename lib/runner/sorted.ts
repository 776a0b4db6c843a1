/** Items in order, no two of them equal: cheap at both ends, exact in between. */
export class Sorted<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  /** `compare` must always give the same order for items that are here. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  add(item: T): void {
    const { last } = this;
    // Items usually come in order.
    if (last === undefined || this.#compare(last, item) < 0) this.#items.push(item);
    else this.#items.splice(this.#find(item), 0, item);
  }

  /** Takes an item out; `false` when it is not here. */
  delete(item: T): boolean {
    const at = this.#items[0] === item ? 0 : this.#find(item);
    if (this.#items[at] !== item) return false;
    if (at === 0) this.#items.shift();
    else this.#items.splice(at, 1);
    return true;
  }

  shift(): T | undefined {
    return this.#items.shift();
  }

  /** Where an item is, or belongs. */
  #find(item: T): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#items[middle]!, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
