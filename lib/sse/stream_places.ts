/**
 * How many streams there may be: in all, and for each client, so that none takes all of them.
 *
 * @module
 */

export interface StreamPlacesOptions {
  /** Places for all. */
  all: number;
  /** For one client; 0 for as many as there are. */
  each: number;
}

/** Who opens a stream. */
export interface StreamClient {
  /** The operator's token; empty where none is shown. */
  name: string;
  /** What the signed token is for that is shown, a task or an owner; `null` where none is. */
  subject: string | null;
  /** Where it comes from. */
  address: string;
}

/** Ids of tasks that a stream may name for one place: what it holds of each lives as long as it does. */
const IDS_A_PLACE = 100;

export class StreamPlaces {
  readonly #options: StreamPlacesOptions;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(options: StreamPlacesOptions) {
    this.#options = options;
  }

  /** Clients that have any, each in the way it counts. */
  get clients(): string[] {
    return [...this.#taken.keys()];
  }

  /**
   * Takes places for a stream that names so many tasks.
   *
   * @returns How to give them back; `null` where there is no room.
   */
  take(client: StreamClient, ids = 0): (() => void) | null {
    const { all, each: wanted } = this.#options;
    const each = wanted > 0 ? Math.min(wanted, all) : all;
    const count = Math.min(each, Math.max(1, Math.ceil(ids / IDS_A_PLACE)));
    const names = namesOf(client);
    if (this.#all + count > all) return null;
    if (names.some((name) => this.#of(name) + count > each)) return null;
    this.#add(names, count);
    let taken = true;
    return () => {
      if (taken) this.#add(names, -count);
      taken = false;
    };
  }

  #of(name: string): number {
    return this.#taken.get(name) ?? 0;
  }

  #add(names: readonly string[], count: number): void {
    this.#all += count;
    for (const name of names) {
      const left = this.#of(name) + count;
      if (left > 0) this.#taken.set(name, left);
      else this.#taken.delete(name);
    }
  }
}

/**
 * As whom a client counts. Whoever has a token of the operator is that token, wherever it comes from,
 * sessions of the page included. A signed token counts for what it is for, since there may be many of
 * it, and for the address, since there may be many of these.
 */
function namesOf({ name, subject, address }: StreamClient): string[] {
  if (name !== "") return [`token ${name}`];
  return [...(subject === null ? [] : [subject]), `address ${address}`];
}
