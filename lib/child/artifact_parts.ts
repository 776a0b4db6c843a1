/**
 * Sends the parts of artifacts from runs to the server. A run has one part under way at a time, and
 * all runs of a process a few, so that what waits for the store is bounded.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";
import { ARTIFACT_BLOCK } from "../task/artifact_list.ts";
import type { ArtifactInfo, ArtifactPart } from "../task/yield.ts";
import { isObject } from "./shape.ts";
import type { ArtifactAnswer, FromTasks } from "./protocol.ts";

/** How many blocks of bytes one process may have under way. */
export const MAX_BLOCKS = 16;

/** The artifact that a run is sending. */
interface UnderWay {
  readonly name: string;
  /** Resolves with the answer to the part that was sent last. */
  answered: Promise<ArtifactAnswer>;
  answer(answer: ArtifactAnswer): void;
}

export class ArtifactParts {
  readonly #send: (message: FromTasks) => void;
  readonly #runs = new Map<number, UnderWay>();
  readonly #blocks = new Semaphore(MAX_BLOCKS);

  constructor(send: (message: FromTasks) => void) {
    this.#send = send;
  }

  /** Takes the server's answer to the last part. */
  receive(run: number, answer: ArtifactAnswer): void {
    this.#runs.get(run)?.answer(answer);
  }

  /** The run is over: nothing more is answered. */
  end(run: number): void {
    this.receive(run, { refused: "its task has ended" });
    this.#runs.delete(run);
  }

  /**
   * Sends a part once the one before it was taken.
   *
   * @param tellEnd Says that all parts were sent, after what the run yielded before.
   * @throws {Error} If it is refused, or the one before it was.
   */
  async take(run: number, part: ArtifactPart, tellEnd: () => void): Promise<void> {
    if (!isObject(part)) throw new TypeError("Cannot yield this as it is not part of an artifact");
    if ("name" in part) {
      const { name, type } = part;
      const before = this.#runs.get(run);
      if (before) await before.answered;
      this.#ask(run, name, () => this.#send({ type: "artifact", run, name, media: type }));
      await this.#taken(run);
      return;
    }
    const { name } = await this.#taken(run);
    if ("bytes" in part) {
      const { bytes } = part;
      if (!(bytes instanceof Uint8Array) || bytes.length === 0 || bytes.length > ARTIFACT_BLOCK) {
        throw new TypeError(
          `Cannot keep artifact '${name}' as one of its parts is empty, too large or not bytes`,
        );
      }
      const permit = await this.#blocks.acquire();
      const { answered } = this.#ask(run, name, () => this.#send({ type: "bytes", run, bytes }));
      void answered.then(() => permit[Symbol.dispose]());
      return;
    }
    this.#ask(run, name, tellEnd);
    part.kept = await this.#kept(run);
  }

  #ask(run: number, name: string, send: () => void): UnderWay {
    const { promise, resolve } = Promise.withResolvers<ArtifactAnswer>();
    const asked = { name, answered: promise, answer: resolve };
    this.#runs.set(run, asked);
    send();
    return asked;
  }

  /** Waits for the answer to the last part. */
  async #taken(run: number): Promise<{ name: string; answer: ArtifactAnswer }> {
    const asked = this.#runs.get(run);
    if (!asked) throw new TypeError("Cannot keep bytes as no artifact was begun");
    const answer = await asked.answered;
    if (!("refused" in answer)) return { name: asked.name, answer };
    const error = new Error(`Cannot keep artifact '${asked.name}' as ${answer.refused}`);
    error.name = "ArtifactError";
    throw error;
  }

  async #kept(run: number): Promise<ArtifactInfo | null> {
    const { answer } = await this.#taken(run);
    this.#runs.delete(run);
    return "kept" in answer ? answer.kept : null;
  }
}
