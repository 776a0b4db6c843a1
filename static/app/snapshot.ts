/**
 * The data that the server put into the page, so that the page can be drawn before its first
 * request.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { Session } from "./session_api.ts";

/** See `routes/snapshot.ts`. */
export interface Snapshot {
  /** The server's time, ISO 8601. */
  readonly time: string;
  /** As `GET /login` responds. */
  readonly login: Session;
  /** The newest tasks, if the page was requested without filters. */
  readonly tasks?: readonly TaskRecord[];
  /** The task, if the page was requested for one. */
  readonly task?: TaskRecord;
}

export function takeSnapshot(): Snapshot | null {
  const template = document.querySelector<HTMLTemplateElement>("#snapshot");
  const text = template?.content.textContent ?? "";
  template?.remove();
  try {
    return text === "" ? null : JSON.parse(text) as Snapshot;
  } catch {
    return null;
  }
}
