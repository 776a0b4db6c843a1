/**
 * Handles the messages of task processes: puts what runs yield into tasks, and answers requests.
 *
 * @module
 */

import { type ArtifactBounds, ArtifactTransfers } from "./artifact_transfers.ts";
import type { Jobs } from "./jobs.ts";
import type { Logger } from "../base/log.ts";
import { forAWhile, patiently } from "../base/patiently.ts";
import type { FromTasks, KeptAnswer, RunEvent } from "../child/protocol.ts";
import type { Run } from "./run.ts";
import { Children, type ChildrenOptions } from "./children.ts";
import { endedChildren } from "./ended_children.ts";
import type { Member } from "./member.ts";
import { readAnswer, readSignal } from "../kv/answers.ts";
import type { Artifacts } from "../kv/artifacts.ts";
import type { RowTrimmer } from "../store/trim.ts";
import { withLast } from "../task/json_text.ts";
import type { Uploads } from "../kv/uploads.ts";

export interface TaskMessagesOptions extends ChildrenOptions {
  uploads: Uploads;
  artifacts: Artifacts;
  /** How large, and how many, artifacts of a task may be. */
  artifactBounds: ArtifactBounds;
  trimmer: RowTrimmer;
  jobs: Jobs;
  log: Logger;
}

/** Bytes of rows in one batch past which a task process has to wait for the store. */
const LARGE_BATCH = 16 * 1024;

/** Requests of one process that may wait; Headway's code there never has so many. */
const MAX_REQUESTS = 100_000;

export class TaskMessages {
  readonly #options: TaskMessagesOptions;
  readonly #artifacts: ArtifactTransfers;
  readonly #children: Children;
  /** By process, how many batches came and how many acks were sent. */
  readonly #counts = new WeakMap<Member<Run>, { batches: number; acks: number }>();

  constructor(options: TaskMessagesOptions) {
    this.#options = options;
    const { store, trimmer, jobs } = options;
    this.#artifacts = new ArtifactTransfers({
      ...options,
      bounds: options.artifactBounds,
      now: store.now,
    });
    this.#children = new Children(options);
    store.onwritten = (live) => {
      const trimming = trimmer.trim(live);
      if (trimming !== null) jobs.own(trimming);
    };
  }

  /**
   * @throws {SyntaxError} If the process has more requests waiting than Headway's code there ever has.
   */
  take(member: Member<Run>, message: FromTasks): void {
    const { process, runs } = member;
    const { uploads, store, jobs, log } = this.#options;
    const waits = () => forAWhile(() => runs.size > 0);
    if (message.type === "info") {
      const { request, upload } = message;
      this.#answer(member, async () => {
        const info = await patiently(() => uploads.info(upload), waits()).catch((error) => {
          log.error("an upload could not be described", { upload, error });
          return null;
        });
        process.send({ type: "info", request, info });
      });
    } else if (message.type === "chunk") {
      const { request, upload, offset } = message;
      this.#answer(member, async () => {
        const read = () => uploads.read(upload, offset);
        const bytes = await patiently(read, waits()).catch((error) => {
          log.error("an upload could not be read", { upload, error });
          return new Uint8Array();
        });
        await process.sendBytes(request, bytes);
      });
    } else if (message.type === "ask") {
      const { request, run, name, closes = false } = message;
      this.#answerRun(member, run, async ({ live: { id }, senders }) => {
        if (closes) await store.closeSignal(id, name);
        const [answer, signal] = await Promise.all([
          readAnswer(store.kv, id, name),
          readSignal(store.kv, id, name),
        ]);
        if (signal?.by) senders.set(name, signal.by);
        process.send({ type: "answer", request, answer, signal: signal?.json ?? null });
      });
    } else if (message.type === "artifact" || message.type === "bytes") {
      this.#artifacts.take(member, message);
    } else if (message.type === "children") {
      const { request, run } = message;
      // Not retried here: it retries by itself, and later requests wait for their turn after it.
      this.#answerRun(member, run, async (run) => {
        const refused = await this.#children.make(run, message);
        process.send({ type: "made", request, refused });
      }, 0);
    } else if (message.type === "outcomes") {
      const { request, run, name, from } = message;
      this.#answerRun(member, run, async ({ live: { id } }) => {
        const outcomes = await endedChildren(store, id, name, from);
        process.send({ type: "ended", request, outcomes });
      });
    } else if (message.type === "overdue") {
      // While the store takes nothing, no ack is due.
      process.send({ type: "counts", ...this.#countsOf(member) });
    } else if (message.type === "batch") {
      const counts = this.#countsOf(member);
      counts.batches++;
      let bytes = 0;
      for (const event of message.events) {
        const run = runs.get(event[0]);
        if (run) bytes += this.#takeEvent(run, event);
      }
      const ack = () => {
        counts.acks++;
        process.send({ type: "ack" });
      };
      // Progress is conflated and never piles up; rows do when the store is behind.
      if (bytes < LARGE_BATCH) ack();
      else jobs.own(store.journal.taken().then(ack));
    }
  }

  #countsOf(member: Member<Run>): { batches: number; acks: number } {
    let counts = this.#counts.get(member);
    if (!counts) this.#counts.set(member, counts = { batches: 0, acks: 0 });
    return counts;
  }

  /** Answers a few requests of a process at a time, and no faster than it takes the answers. */
  #answer({ requests }: Member<Run>, work: () => Promise<void>): void {
    if (requests.waiting >= MAX_REQUESTS) throw new SyntaxError("It asks without end");
    this.#options.jobs.own(requests.run(work));
  }

  /**
   * Answers a request that a run waits for. If the store cannot be read for a while, the run fails, as
   * nothing would ever answer it.
   *
   * @param ms Milliseconds for which it is tried again. @default {PATIENCE_MS}
   */
  #answerRun(
    member: Member<Run>,
    number: number,
    work: (run: Run) => Promise<void>,
    ms?: number,
  ): void {
    const run = member.runs.get(number);
    if (!run) return;
    const waits = forAWhile(() => !run.isOver, ms);
    this.#answer(member, () =>
      patiently(() => work(run), waits).catch((error) => {
        if (run.isOver) return;
        this.#options.log.error("what a task waits for could not be read", {
          id: run.live.id,
          error,
        });
        run.stop("stop");
        const told = { name: "StoreError", message: "What the task waits for could not be read" };
        run.end({ how: "threw", error: told, stack: "" });
      }));
  }

  /** Stores an answer, and says so once that is durable. */
  #keep(run: Run, { request, name, answer, row, takes }: KeptAnswer): number {
    const { live, member: { process } } = run;
    const by = takes ? run.senders.get(name) : undefined;
    if (takes) run.senders.delete(name);
    const told = by === undefined ? row : withLast(row, "by", JSON.stringify(by));
    if (!live.rows.answer(name, answer, { row: told, takes })) {
      const message = "It stored more answers than a task may have";
      run.end({ how: "threw", error: { name: "RangeError", message }, stack: "", final: true });
      return 0;
    }
    if (request !== null) {
      this.#options.jobs.own(
        live.committed().then(({ ok }) => {
          if (ok) process.send({ type: "kept", request });
        }),
      );
    }
    return row.length + (answer.json?.length ?? 0);
  }

  /** Takes in one event of a run; returns how many bytes of it wait for the store. */
  #takeEvent(run: Run, [, type, content]: RunEvent): number {
    const { live } = run;
    switch (type) {
      case "progress":
        live.report(content);
        return 0;
      case "save":
        live.rows.save(content);
        return content.length;
      case "step":
        live.rows.step(content);
        return content.length;
      case "answer":
        return this.#keep(run, content);
      case "artifact":
        this.#artifacts.end(run);
        return 0;
      case "end":
        run.end(content);
        return 0;
    }
    live.rows.add(type, content);
    return content.length;
  }
}
