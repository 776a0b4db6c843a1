import type { TaskEvent } from "./client.d.ts";
import type { TaskView } from "./use_task.d.ts";
import { withStep } from "./with_step.ts";

/** The view before the first event of a task. */
export const NOTHING: TaskView = {
  record: null,
  result: undefined,
  log: [],
  outputs: [],
  steps: [],
  connection: "idle",
  error: null,
};

/** The view after an event. */
export function take(view: TaskView, event: TaskEvent, maxRows: number): TaskView {
  switch (event.type) {
    case "progress":
      return { ...view, record: event.data };
    case "log":
      return { ...view, log: [...view.log, event.data].slice(-maxRows) };
    case "output":
      return { ...view, outputs: [...view.outputs, event.data].slice(-maxRows) };
    case "rewind": {
      const outputs = view.outputs.filter(({ seq }) => seq <= event.data.after);
      return { ...view, outputs };
    }
    case "step":
      return { ...view, steps: withStep(view.steps, event.data).slice(-maxRows) };
    case "artifact":
      // The record lists the artifacts.
      return view;
    case "complete": {
      const { data } = event;
      return { ...view, record: data, ...(data.status === "completed" && { result: data.result }) };
    }
    case "reset": {
      const rows = event.data.reason === "too-old" ? {} : { log: [], outputs: [], steps: [] };
      return { ...view, ...rows, record: event.data.task };
    }
  }
}
