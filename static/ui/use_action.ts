import { useSignal } from "@preact/signals";
import { ApiError } from "../app/api.ts";

/** What a button does, which may take time and may fail. */
export interface Action {
  /** Starts the action, unless it is running. */
  run: () => void;
  busy: boolean;
  /** The error of the last run; `null` if there was none. */
  error: ApiError | null;
}

/** Keeps an action from running twice at once, and keeps its error for the view. */
export function useAction(perform: () => Promise<void>): Action {
  const busy = useSignal(false);
  const error = useSignal<ApiError | null>(null);
  async function run(): Promise<void> {
    if (busy.peek()) return;
    busy.value = true;
    error.value = null;
    try {
      await perform();
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      error.value = reason;
    } finally {
      busy.value = false;
    }
  }
  return { run: () => void run(), busy: busy.value, error: error.value };
}
