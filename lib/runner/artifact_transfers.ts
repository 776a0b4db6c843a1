/**
 * Takes artifacts from task processes into the store: one at a time for each run, its parts one
 * after the other, each acknowledged when it is stored.
 *
 * @module
 */

import { patiently } from "../base/patiently.ts";
import { Semaphore } from "../base/semaphore.ts";
import { MAX_BLOCKS } from "../child/artifact_parts.ts";
import type { ArtifactAnswer, FromTasks } from "../child/protocol.ts";
import type { Logger } from "../base/log.ts";
import type { Arrival } from "../kv/arrival.ts";
import type { Artifacts } from "../kv/artifacts.ts";
import { NoRoom } from "../kv/no_room.ts";
import { listProblem } from "../task/artifact_list.ts";
import type { ArtifactInfo } from "../task/yield.ts";
import type { Jobs } from "./jobs.ts";
import type { Member } from "./member.ts";
import type { Run } from "./run.ts";

/** How large, and how many, artifacts of a task may be. */
export interface ArtifactBounds {
  /** Bytes of each. */
  bytes: number;
  /** How many. */
  count: number;
}

export interface ArtifactTransfersOptions {
  artifacts: Artifacts;
  bounds: ArtifactBounds;
  jobs: Jobs;
  log: Logger;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Messages of a run that may wait; Headway's code there sends the next one only after an answer. */
const MAX_WAITING = 4;

type Part = Extract<FromTasks, { type: "artifact" | "bytes" }> | { type: "end" };

/** The artifact that a run is sending. */
interface Transfer {
  /** Handles one message after the other. */
  readonly turn: Semaphore;
  name: string;
  media: string;
  arrival: Arrival | null;
}

/** Why an artifact is not kept, in words that follow "as". */
class Refused extends Error {}

export class ArtifactTransfers {
  readonly #options: ArtifactTransfersOptions;
  readonly #transfers = new Map<Run, Transfer>();
  /** By process, how many blocks of bytes came and are not stored yet. */
  readonly #blocks = new WeakMap<Member<Run>, number>();

  constructor(options: ArtifactTransfersOptions) {
    this.#options = options;
  }

  /**
   * Takes the beginning of an artifact, or bytes of it.
   *
   * @throws {SyntaxError} If the process sends without waiting for answers.
   */
  take(member: Member<Run>, part: Extract<FromTasks, { type: "artifact" | "bytes" }>): void {
    const run = member.runs.get(part.run);
    if (!run) return tell(member, part.run, { refused: "its task has ended" });
    if (part.type !== "bytes") return this.#add(run, part);
    const blocks = (this.#blocks.get(member) ?? 0) + 1;
    if (blocks > MAX_BLOCKS) throw new SyntaxError("It sends without waiting for an answer");
    this.#blocks.set(member, blocks);
    this.#add(run, part, () => this.#blocks.set(member, this.#blocks.get(member)! - 1));
  }

  /** All of a run's artifact has come. As one of the run's events, this keeps its row in order. */
  end(run: Run): void {
    this.#add(run, { type: "end" });
  }

  #add(run: Run, part: Part, done: () => void = () => {}): void {
    let transfer = this.#transfers.get(run);
    if (!transfer) {
      transfer = { turn: new Semaphore(1), name: "", media: "", arrival: null };
      this.#transfers.set(run, transfer);
      this.#options.jobs.own(run.over.then(() => this.#over(run)));
    }
    const { turn } = transfer;
    if (turn.waiting >= MAX_WAITING) throw new SyntaxError("It does not wait for an answer");
    this.#options.jobs.own(turn.run(async () => {
      const answer = await this.#answer(run, transfer, part);
      done();
      tell(run.member, run.number, answer);
    }));
  }

  /** Gives up what a run that is over had not completed. */
  async #over(run: Run): Promise<void> {
    const transfer = this.#transfers.get(run)!;
    this.#transfers.delete(run);
    await transfer.turn.run(() => this.#giveUp(transfer));
  }

  async #giveUp(transfer: Transfer): Promise<void> {
    const { arrival } = transfer;
    transfer.arrival = null;
    if (arrival) await this.#options.artifacts.giveUp(arrival);
  }

  /** Never rejects. */
  async #answer(run: Run, transfer: Transfer, part: Part): Promise<ArtifactAnswer> {
    try {
      requireRuns(run);
      if (part.type === "end") return { kept: await this.#keep(run, transfer) };
      if (part.type === "bytes") await this.#write(run, transfer, part.bytes);
      else await this.#begin(run, transfer, part);
      return { taken: true };
    } catch (error) {
      await this.#giveUp(transfer);
      if (error instanceof Refused) return { refused: error.message };
      if (error instanceof NoRoom) return { refused: sentencePart(error.message) };
      const { log } = this.#options;
      log.error("an artifact could not be stored", { id: run.live.id, error });
      return { refused: "the store did not accept it" };
    }
  }

  async #begin(
    run: Run,
    transfer: Transfer,
    { name, media }: Extract<Part, { type: "artifact" }>,
  ): Promise<void> {
    // Gives up an artifact that the task did not finish.
    await this.#giveUp(transfer);
    this.#requirePlace(run, { name, size: 0, type: media });
    transfer.name = name;
    transfer.media = media;
    transfer.arrival = await this.#options.artifacts.begin(run.live.id, () => runs(run));
  }

  async #write(run: Run, { arrival, name, media }: Transfer, bytes: Uint8Array): Promise<void> {
    if (!arrival) throw new Refused("it was not begun");
    const most = this.#options.bounds.bytes;
    const size = arrival.size + bytes.length;
    if (size > most) throw new Refused(`it is larger than ${most} bytes (HEADWAY_MAX_ARTIFACT)`);
    this.#requirePlace(run, { name, size, type: media });
    await arrival.write(bytes);
    await arrival.store();
  }

  async #keep(run: Run, transfer: Transfer): Promise<ArtifactInfo> {
    const { arrival, name, media: type } = transfer;
    if (!arrival) throw new Refused("it was not begun");
    const { artifacts, now } = this.#options;
    const { live } = run;
    const info: ArtifactInfo = { name, ...await arrival.finish(), type };
    const part = await patiently(() => artifacts.placing(live.id, info, arrival), () => runs(run));
    // The run may have been cut off meanwhile, and another one of the task begun elsewhere.
    requireRuns(run);
    const time = new Date(now()).toISOString();
    live.rows.artifact(info, JSON.stringify({ ...info, time }), part);
    transfer.arrival = null;
    const { ok } = await live.committed();
    // If it was not committed, it will be swept.
    artifacts.letGo(arrival);
    if (!ok) throw new Refused("the store did not accept it");
    return info;
  }

  #requirePlace({ live: { record } }: Run, artifact: Parameters<typeof listProblem>[1]): void {
    const problem = listProblem(record, artifact, this.#options.bounds.count);
    if (problem !== null) throw new Refused(problem);
  }
}

/** Whether a run is not over. */
function runs(run: Run): boolean {
  return run.member.runs.get(run.number) === run;
}

function requireRuns(run: Run): void {
  if (!runs(run)) throw new Refused("its task has ended");
}

function tell({ process }: Member<Run>, run: number, answer: ArtifactAnswer): void {
  process.send({ type: "artifact", run, answer });
}

/** A sentence in the form that follows "as". */
function sentencePart(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
