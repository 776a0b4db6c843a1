import { join } from "node:path";
import { ARTIFACT_NAME } from "../../lib/task/artifact_list.ts";
import type { TaskRecord } from "../../lib/task/record.ts";
import { type Api, ServerError } from "./api.ts";
import { UsageError } from "./arguments.ts";
import { cleanLine } from "./text.ts";

/** Milliseconds in which nothing of a file came, after which it is given up. */
const STALL_MS = 60_000;

/**
 * Puts the files that a task made into a folder, each under its name once it is whole.
 *
 * @throws {UsageError} When the folder or a file cannot be written.
 * @throws {ServerError} When a file does not come.
 */
export async function saveArtifacts(
  api: Api,
  { task_id, artifacts = [] }: TaskRecord,
  folder: string,
  show: { saved(path: string, size: number): void },
): Promise<void> {
  await writing(folder, () => Deno.mkdir(folder, { recursive: true }));
  for (const { name, size } of artifacts) {
    // It is the server's word, and becomes a path here.
    if (!ARTIFACT_NAME.test(name)) {
      throw new ServerError(0, `The server sent an invalid file name: ${cleanLine(name)}`);
    }
    const path = join(folder, name);
    await save(api, `/tasks/${task_id}/artifacts/${encodeURIComponent(name)}`, path);
    show.saved(path, size);
  }
}

async function save(api: Api, from: string, path: string): Promise<void> {
  const stalled = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), STALL_MS);
  };
  const part = `${path}.part`;
  wait();
  try {
    const { body } = await api.request(from, { signal: stalled.signal });
    const file = await writing(part, () => Deno.create(part));
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        wait();
        controller.enqueue(bytes);
      },
    });
    await body!.pipeThrough(counted).pipeTo(file.writable);
    await writing(path, () => Deno.rename(part, path));
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    if (error instanceof ServerError || error instanceof UsageError) throw error;
    throw new ServerError(0, `${path} was not received completely: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw new UsageError(`Cannot write ${path}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
