/**
 * Artifacts: the files that a task makes.
 *
 * @module
 */

import { ARTIFACT_BLOCK, ARTIFACT_NAME, ARTIFACT_TYPE, RESULT_NAME } from "./artifact_list.ts";
import { brief, textOf } from "./text.ts";
import { type ArtifactInfo, type ArtifactYield, YIELD } from "./yield.ts";

/** The content of an artifact: bytes, text, or the URL or path of a file that the task may read. */
export type ArtifactContent =
  | ReadableStream<Uint8Array>
  | Uint8Array
  | string
  | Blob
  | URL
  | { path: string };

/** The options of {@link artifact}. */
export interface ArtifactOptions {
  /**
   * The media type. @default {that of a `Blob` if it has one, `text/plain; charset=utf-8` for a
   * string, else `application/octet-stream`}
   */
  type?: string;
}

/**
 * Stores a file with the task: `yield* artifact("report.pdf", bytes)`. The content is read no
 * faster than it is stored, and committed with everything yielded before it: once this returns, the
 * file can be downloaded. A later artifact of the same name replaces it as a whole.
 *
 * @param name A file's name, of at most 128 characters, without a path; not `result.json`.
 * @throws {TypeError} If the name, the media type or the content is invalid.
 * @throws {Error} If the file is too large, or there is no room for it.
 *
 * @example
 * ```ts
 * import { artifact, defineTask } from "headway";
 * import { runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const report = defineTask({
 *   kind: "report",
 *   async *run() {
 *     const { size } = yield* artifact("report.csv", "id,total\n1,7\n", { type: "text/csv" });
 *     return size;
 *   },
 * });
 * assertEquals((await runTask(report)).result, 13);
 * ```
 */
export async function* artifact(
  name: string,
  content: ArtifactContent,
  { type }: ArtifactOptions = {},
): AsyncGenerator<ArtifactYield, ArtifactInfo, void> {
  if (name === RESULT_NAME) {
    throw new TypeError(
      `Cannot keep an artifact as '${RESULT_NAME}' as that is where a large result goes`,
    );
  }
  return yield* keepFile(name, content, type ?? typeOf(content));
}

/** {@link artifact} for any name, including the one that is reserved for a large result. */
export async function* keepFile(
  name: string,
  content: ArtifactContent,
  type: string,
): AsyncGenerator<ArtifactYield, ArtifactInfo, void> {
  requireName(name, type);
  yield part({ name, type });
  for await (const bytes of blocks(await bytesOf(name, content))) yield part({ bytes });
  const end: { kept: ArtifactInfo | null } = { kept: null };
  yield part(end);
  if (end.kept === null) throw new Error(`Cannot keep artifact '${name}' as its task has ended`);
  return end.kept;
}

function part(part: ArtifactYield["part"]): ArtifactYield {
  return { [YIELD]: "artifact", part };
}

function requireName(name: unknown, type: unknown): void {
  if (typeof name !== "string" || !ARTIFACT_NAME.test(name)) {
    throw new TypeError(
      "Cannot keep an artifact as its name must be that of a file, of at most 128 characters, " +
        `without a path: current value is ${brief(textOf(name), 200)}`,
    );
  }
  if (typeof type === "string" && ARTIFACT_TYPE.test(type)) return;
  throw new TypeError(
    `Cannot keep artifact '${name}' as 'type' must be a media type, such as text/csv: ` +
      `current value is ${brief(textOf(type), 200)}`,
  );
}

function typeOf(content: ArtifactContent): string {
  if (typeof content === "string") return "text/plain; charset=utf-8";
  return content instanceof Blob && content.type !== "" ? content.type : "application/octet-stream";
}

async function bytesOf(
  name: string,
  content: ArtifactContent,
): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  if (content instanceof Uint8Array) return [content];
  if (content instanceof Blob) return content.stream();
  if (content instanceof ReadableStream) return content;
  if (content instanceof URL) return (await Deno.open(content)).readable;
  if (typeof content?.path === "string") return (await Deno.open(content.path)).readable;
  throw new TypeError(
    `Cannot keep artifact '${name}' as its content must be bytes, a text, a Blob, a stream of ` +
      "bytes, the URL of a file, or { path }",
  );
}

/** Copies content into full blocks (the last may be shorter), as its source may reuse its buffers. */
async function* blocks(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let block = new Uint8Array(0);
  let filled = 0;
  for await (const bytes of content) {
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(
        "Cannot keep an artifact as its stream yields something other than bytes",
      );
    }
    for (let at = 0; at < bytes.length;) {
      if (filled === 0) block = new Uint8Array(ARTIFACT_BLOCK);
      const part = bytes.subarray(at, at + ARTIFACT_BLOCK - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < ARTIFACT_BLOCK) continue;
      yield block;
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
