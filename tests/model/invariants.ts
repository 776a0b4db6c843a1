/**
 * The invariants: what must hold whatever happens to a server. ARCHITECTURE.md states each at length,
 * under the same number; a failure names it.
 *
 * @module
 */

const INVARIANTS = {
  I1: "an accepted task is never lost, and none is there that nobody submitted",
  I2: "a task takes only allowed ways and ends once",
  I3: "rows come once and in order, to each client across its reconnects",
  I4: "a task goes on from its last checkpoint",
  I5: "delete removes all",
  I6: "an Idempotency-Key makes one task",
  I7: "records, lists, counts and the stored index agree",
  I8: "a stream ends with complete, and then with 204",
  I9:
    "progress never falls within an attempt, and nothing shown is taken back but by a crash the last progress",
  I10: "an id that cannot be used gets a reset",
  I11: "being interrupted uses up no attempt",
  I12: "no more tasks of a kind run than may",
  I13: "no task starts before it is due, or is timed out before its time",
  I14: "the server starts on whatever a crash left, stops when told to, and has no error to log",
  I15: "tasks start by priority, then as they could run; an interruption takes no place away",
  I16: "a run that is not cut off goes through its clean-up, and what it yields there is kept",
  I17: "an upload is kept as long as a task that names it waits or runs",
  I18: "what a task prints is in the log, as its own",
  I19: "every output counts once, whatever is killed",
  I20: "what a step gave stays the same, and a wait ends by its signal or its time",
  I21: "each child is made once, and a parent has what became of its children",
  I22: "a file is served as it was made, and goes with its task",
  I23: "a sleep ends when its time is over, and no earlier",
  I24: "nothing of a paused kind starts once the pause was answered",
  I25: "each time of a schedule has one task, or is skipped for a reason",
  I26: "runs of a schedule overlap only where they may, and one that is paused makes none",
  I27: "in no time do more tasks of a kind start than its rate lets",
  I28: "what is submitted again before it has begun is one task, with the last input",
  I29: "what becomes of a task comes to each of its targets, signed, at least once and in order",
} as const;

/** The number of an invariant. */
export type Invariant = keyof typeof INVARIANTS;

/** Thrown when an invariant does not hold. */
export class Broken extends Error {
  override name = "Broken";

  /** @param what What was seen. */
  constructor(invariant: Invariant, what: string) {
    super(`${invariant} (${INVARIANTS[invariant]}): ${what}`);
  }
}

/**
 * Asserts an invariant.
 *
 * @throws {Broken} If it does not hold.
 */
export function holds(invariant: Invariant, condition: boolean, what: () => string): void {
  if (!condition) throw new Broken(invariant, what());
}
