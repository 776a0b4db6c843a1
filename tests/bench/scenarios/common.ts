/**
 * What several scenarios have in common.
 *
 * @module
 */

/** The body that submits a task without steps. */
export const SHORT = JSON.stringify({ kind: "bench-short", input: {} });

/** Resolves at a time of the wall clock, in milliseconds. */
export async function sleepUntil(time: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
}

/** A client's faults in words. */
export function describeFaults(faults: Record<string, number>): string[] {
  return Object.entries(faults).map(([what, count]) => `${what}: ${count}`);
}

/** The part of a page of `GET /tasks` that the bench reads. */
export interface Page {
  tasks: { task_id: string; status: string; attempt?: number }[];
  /** The number of tasks in all, which only a peer tells. */
  count?: number;
  /** The cursor of the next page, which only Headway has. */
  next_cursor?: string | null;
}

/** One page of `GET /tasks`. */
export async function list(port: number, query: Record<string, string>): Promise<Page> {
  const response = await fetch(`http://127.0.0.1:${port}/tasks?${new URLSearchParams(query)}`);
  if (!response.ok) throw new Error(`Cannot list tasks: ${response.status}`);
  return await response.json();
}

/**
 * Resolves once no task is pending or running. Nothing may be submitted meanwhile: once none is
 * pending, all are running or done, so that asking in this order misses none.
 *
 * @returns When that was, in milliseconds of the wall clock, with an error of up to `stepMs`.
 * @throws {Error} If it takes longer than 3 minutes.
 */
export async function allFinished(port: number, stepMs = 10): Promise<number> {
  const deadline = Date.now() + 180_000;
  for (const status of ["pending", "running"]) {
    while ((await list(port, { status, limit: "1" })).tasks.length > 0) {
      if (Date.now() > deadline) {
        throw new Error(`Cannot go on: tasks are ${status} after 3 minutes`);
      }
      await sleepUntil(Date.now() + stepMs);
    }
  }
  return Date.now();
}

/** Counts the completed tasks, each once. */
export async function countCompleted(port: number): Promise<number> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await list(port, {
      status: "completed",
      limit: "100",
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (page.count !== undefined) return page.count;
    for (const { task_id } of page.tasks) ids.add(task_id);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return ids.size;
}
