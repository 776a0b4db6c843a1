/**
 * `/use-task.js`: a hook for Preact. See use_task.d.ts.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { NOTHING, take } from "./task_view.ts";
import type { TaskView, UseTaskOptions } from "./use_task.d.ts";
import { watch } from "./watch.ts";

/** Milliseconds between two renderings, at least. */
const RENDER_MS = 50;

/** The default number of rows kept. */
const MAX_ROWS = 1000;

/** Watches a task for as long as the component is mounted. */
export function useTask<Task = unknown>(
  id: string | null | undefined,
  options: UseTaskOptions = {},
): TaskView<Task> {
  const [view, setView] = useState<TaskView>(NOTHING);
  const newest = useRef(options);
  newest.current = options;
  const base = options.base?.toString();
  useEffect(() => {
    setView(NOTHING);
    if (!id) return;
    const batch = new Batch(setView);
    const watched = watch(id, {
      base,
      token: async () => {
        const { token } = newest.current;
        return (typeof token === "function" ? await token() : token) ?? "";
      },
      onconnection: ({ state }) => batch.add((view) => ({ ...view, connection: state })),
    });
    const run = async () => {
      for await (const event of watched) {
        batch.add((view) => take(view, event, newest.current.maxRows ?? MAX_ROWS));
      }
    };
    run().catch((error) => batch.add((view) => ({ ...view, error })));
    return () => {
      watched.close();
      batch.close();
    };
  }, [id, base]);
  return view as TaskView<Task>;
}

/** Gathers changes of a view into one rendering. */
class Batch {
  readonly #set: (change: (view: TaskView) => TaskView) => void;
  #changes: ((view: TaskView) => TaskView)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(set: (change: (view: TaskView) => TaskView) => void) {
    this.#set = set;
  }

  add(change: (view: TaskView) => TaskView): void {
    this.#changes.push(change);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const changes = this.#changes;
      this.#changes = [];
      this.#set((view) => changes.reduce((known, change) => change(known), view));
    }, RENDER_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#changes = [];
    // Ignores changes that still arrive.
    this.add = () => {};
  }
}
