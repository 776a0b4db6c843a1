import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { newTask } from "../store.ts";
import { strings } from "../strings.ts";

/** The whole window takes a file: dropping it opens the form with it. */
export function DropArea(): JSX.Element | null {
  const over = useSignal(false);
  useEffect(() => {
    const listening = new AbortController();
    const on = (name: "dragover" | "dragleave" | "drop", listener: (event: DragEvent) => void) =>
      addEventListener(name, listener, { signal: listening.signal });
    on("dragover", (event) => {
      if (newTask.peek() !== null || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over.value = true;
    });
    on("dragleave", (event) => {
      // Not from one element to another, but out of the window.
      if (event.relatedTarget === null) over.value = false;
    });
    on("drop", (event) => {
      if (!over.peek()) return;
      event.preventDefault();
      over.value = false;
      const file = event.dataTransfer?.files[0];
      if (file) newTask.value = { file };
    });
    return () => listening.abort();
  }, []);
  return over.value ? <div class="drop-area">{strings.dropHere}</div> : null;
}
