/**
 * Moves this process's clock: that of the server, and of the tasks that run in it. Disposing of it
 * sets the clock right.
 */
export class MovedClock implements Disposable {
  readonly #now = Date.now;
  /** Milliseconds that it is ahead; negative if it is behind. */
  ahead: number;

  constructor(ahead = 0) {
    this.ahead = ahead;
    Date.now = () => this.#now() + this.ahead;
  }

  [Symbol.dispose](): void {
    Date.now = this.#now;
  }
}
