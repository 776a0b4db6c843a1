import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { dropFile } from "./new_task.ts";
import { may, signedOut } from "../app/session.ts";
import { strings } from "../i18n/strings.ts";

/** The whole window takes a file: dropping it opens the form with it, or puts it into the form. */
export function DropArea(): JSX.Element | null {
  const over = useSignal(false);
  useEffect(() => {
    const listening = new AbortController();
    const on = (name: "dragover" | "dragleave" | "drop", listener: (event: DragEvent) => void) =>
      addEventListener(name, listener, { signal: listening.signal });
    on("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      // A browser shows a file that is dropped on a page, and the page is gone.
      event.preventDefault();
      // A field that takes it says so itself.
      over.value = !signedOut.peek() && may("submit") &&
        !(event.target as Element).closest(".file");
    });
    on("dragleave", (event) => {
      // Not from one element to another, but out of the window.
      if (event.relatedTarget === null) over.value = false;
    });
    on("drop", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      const file = event.dataTransfer.files[0];
      if (file && over.peek()) dropFile(file);
      over.value = false;
    });
    return () => listening.abort();
  }, []);
  return over.value ? <Area /> : null;
}

/** Shown as a popover: that is above a dialog too. */
function Area(): JSX.Element {
  const area = useRef<HTMLDivElement>(null);
  useEffect(() => area.current!.showPopover(), []);
  return <div ref={area} class="drop-area" popover="manual">{strings.dropHere}</div>;
}
