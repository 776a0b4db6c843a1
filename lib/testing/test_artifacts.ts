/**
 * Artifacts of a tested task, in memory.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { concat } from "../base/bytes.ts";
import type { ArtifactAnswer, FromTasks } from "../child/protocol.ts";
import { listProblem } from "../task/artifact_list.ts";
import type { ArtifactInfo } from "../task/yield.ts";
import type { TaskRecord } from "../task/record.ts";

/** An artifact of the task. */
export interface TestArtifact extends ArtifactInfo {
  /** Its content. */
  bytes: Uint8Array<ArrayBuffer>;
}

export class TestArtifacts {
  readonly #kept = new Map<string, TestArtifact>();
  #open: { name: string; type: string; blocks: Uint8Array[] } = { name: "", type: "", blocks: [] };

  /** The last artifact of each name. */
  get kept(): TestArtifact[] {
    return [...this.#kept.values()];
  }

  /** Takes the start of an artifact, or some of its bytes. */
  take(
    record: TaskRecord,
    message: Extract<FromTasks, { type: "artifact" | "bytes" }>,
  ): ArtifactAnswer {
    if (message.type === "bytes") {
      this.#open.blocks.push(message.bytes);
      return { taken: true };
    }
    const { name, media: type } = message;
    const problem = listProblem(record, { name, size: 0, type });
    if (problem !== null) return { refused: problem };
    this.#open = { name, type, blocks: [] };
    return { taken: true };
  }

  /** Ends the artifact: it replaces one of the same name. */
  end(): ArtifactInfo {
    const { name, type, blocks } = this.#open;
    const bytes = concat(blocks);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const info = { name, size: bytes.length, type, sha256 };
    this.#kept.set(name, { ...info, bytes });
    return info;
  }
}
