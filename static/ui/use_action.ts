import { useSignal } from "@preact/signals";
import { ApiError } from "../app/api.ts";

/** Something that a button does, and that may take time or fail. */
export interface Action {
  /** Does it, unless it is being done. */
  run: () => void;
  busy: boolean;
  /** Why it could not be done the last time. */
  error: ApiError | null;
}

/** Keeps what a button does from being done twice at once, and its failure for the view. */
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
