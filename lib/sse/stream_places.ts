/**
 * How many streams there may be: in all, and for each client, so that none takes all of them.
 *
 * @module
 */

export interface StreamPlacesOptions {
  /** Places for all clients together. */
  all: number;
  /** Places for one client; 0 for as many as there are. */
  each: number;
}

/** Who opens a stream. */
export interface StreamClient {
  /** The name of the operator's token that the client uses; empty for none. */
  name: string;
  /** The task or owner that the client's signed token is for; `null` for no such token. */
  subject: string | null;
  /** The address that it comes from. */
  address: string;
}

/** Task ids that a stream may name for one place: it keeps something for each while it is open. */
const IDS_A_PLACE = 100;

export class StreamPlaces {
  readonly #options: StreamPlacesOptions;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(options: StreamPlacesOptions) {
    this.#options = options;
  }

  /** The names that places are taken under: see `namesOf()`. */
  get clients(): string[] {
    return [...this.#taken.keys()];
  }

  /**
   * Takes places for a stream that names `ids` tasks.
   *
   * @returns A function that gives them back; `null` if there is no room.
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
 * The names that a client counts under. With an operator's token that is the token, from any address,
 * sessions of the page included. Other clients count under their address, and with a signed token also
 * under what it is for: there may be many tokens for one subject, and many subjects at one address.
 */
function namesOf({ name, subject, address }: StreamClient): string[] {
  if (name !== "") return [`token ${name}`];
  return [...(subject === null ? [] : [subject]), `address ${address}`];
}
