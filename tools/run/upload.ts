import { basename } from "node:path";
import { formFields } from "../../static/new_task/kind_form.ts";
import { estimate } from "../../lib/task/eta.ts";
import { type Api, ServerError } from "./api.ts";
import { UsageError } from "./arguments.ts";
import type { BarRecord } from "./bar.ts";

/** Milliseconds in which nothing of the file was taken, after which the upload is given up. */
const STALL_MS = 60_000;

/** The task that the file is for. */
interface Task {
  kind: string;
  input: unknown;
  owner?: string;
}

/**
 * Uploads a file for a task, whose owner may name it then, and puts its id into the input, where
 * the kind's form has its file.
 *
 * @throws {UsageError} When the kind takes no file, or the file cannot be read or is too large.
 */
export async function withUpload(
  api: Api,
  path: string,
  { kind, input, owner }: Task,
  show: (record: BarRecord) => unknown,
): Promise<unknown> {
  if (
    input !== undefined && (typeof input !== "object" || input === null || Array.isArray(input))
  ) {
    throw new UsageError("--input must be a JSON object for the upload's id to go into");
  }
  const { kinds, limits } = await api.kinds();
  const found = kinds.find((it) => it.kind === kind);
  if (!found) {
    throw new UsageError(`There is no kind '${kind}': ${kinds.map((it) => it.kind).join(", ")}`);
  }
  const field = formFields(found.input).find(({ type }) => type === "file")?.name;
  if (field === undefined) throw new UsageError(`'${kind}' takes no file`);
  using file = await open(path);
  const { size, isFile } = await file.stat();
  if (!isFile) throw new UsageError(`${path} is not a file`);
  if (size > limits.max_upload) {
    throw new UsageError(
      `${path} has ${size} bytes, and the server takes at most ${limits.max_upload}`,
    );
  }
  const query = new URLSearchParams({
    name: basename(path),
    ...(owner === undefined ? {} : { owner }),
  });
  return { ...input as object, [field]: await send(api, file, query, size, show) };
}

async function open(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    throw new UsageError(`Cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

async function send(
  api: Api,
  file: Deno.FsFile,
  query: URLSearchParams,
  size: number,
  show: (record: BarRecord) => unknown,
): Promise<string> {
  const name = query.get("name")!;
  let sent = 0;
  let speed = estimate(undefined, performance.now(), 0, size);
  const stalled = new AbortController();
  const stall = () => stalled.abort();
  let timer = setTimeout(stall, STALL_MS);
  const counted = async function* () {
    for (;;) {
      const buffer = new Uint8Array(64 * 1024);
      const count = await file.read(buffer);
      if (count === null) return;
      yield buffer.subarray(0, count);
      clearTimeout(timer);
      timer = setTimeout(stall, STALL_MS);
      sent += count;
      speed = estimate(speed, performance.now(), sent, size);
      show(uploadRecord(name, sent, size, speed.rate, speed.etaMs));
    }
  };
  show(uploadRecord(name, 0, size, null, null));
  try {
    const response = await api.request(`/uploads?${query}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: ReadableStream.from(counted()),
      signal: stalled.signal,
    });
    const { upload_id } = await response.json();
    return upload_id;
  } catch (error) {
    if (error instanceof ServerError) throw error;
    throw new ServerError(0, "The server's answer to the upload broke off");
  } finally {
    clearTimeout(timer);
  }
}

function uploadRecord(
  name: string,
  done: number,
  total: number,
  rate: number | null,
  eta_ms: number | null,
): BarRecord {
  const progress = total === 0 ? 100 : 100 * done / total;
  return {
    status: "running",
    progress,
    done,
    total,
    unit: "bytes",
    stage: "upload",
    message: name,
    rate,
    eta_ms,
    run_at: "",
    cancel_requested: false,
  };
}
