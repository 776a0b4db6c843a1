/**
 * The module `/headway-progress.js`: an element that shows a task's progress, live.
 *
 * ```html
 * <script type="module" src="https://headway.example/headway-progress.js"></script>
 * <headway-progress task-id="01JD…"></headway-progress>
 * ```
 *
 * Parts: `base`, `head`, `label`, `status`, `percent`, `bar`, `fill`, `foot`, `amount`,
 * `connection`, `time`, `message`, `artifacts` (a list of links), `artifact` (one of them).
 * Variables: `--headway-color`, `-track`, `-muted`, `-warn`, `-completed`, `-failed`, `-canceled`,
 * `-height`, `-radius`. Its attribute `status` is the state of the task, `loading` or `error`.
 *
 * @module
 */

import type { FinishedTask, TaskRecord, Token } from "./client.d.ts";

/** The element `<headway-progress>`. Attributes: `task-id`, `src`, `token`, `lang`, `label`. */
export class HeadwayProgress extends HTMLElement {
  /** The task's id. Reflects `task-id`. */
  taskId: string | null;
  /** The token: a string, or a function that is called before each try. */
  token: Token | null;
  /** The task's newest known record; `null` before the first. */
  readonly record: TaskRecord | null;
}

/** The events of the element; none of them bubbles. */
export interface HeadwayProgressEventMap {
  /** Progress, or a change of state. */
  progress: CustomEvent<TaskRecord>;
  /** The task's end, however it ended. */
  complete: CustomEvent<FinishedTask>;
  /** Nothing can be shown: there is no such task, or the token does not open it. */
  error: CustomEvent<Error>;
}

declare global {
  interface HTMLElementTagNameMap {
    "headway-progress": HeadwayProgress;
  }
}
