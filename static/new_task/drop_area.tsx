import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { dropFile } from "./new_task.ts";
import { may, signedOut } from "../app/session.ts";
import { strings } from "../i18n/strings.ts";

/** Takes a file that is dropped anywhere in the window, into the form, which opens if it is closed. */
export function DropArea(): JSX.Element | null {
  const over = useSignal(false);
  useEffect(() => {
    const listening = new AbortController();
    const on = (name: "dragover" | "dragleave" | "drop", listener: (event: DragEvent) => void) =>
      addEventListener(name, listener, { signal: listening.signal });
    on("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      // By default the browser would leave the page and show the file.
      event.preventDefault();
      // A file field highlights itself instead.
      over.value = !signedOut.peek() && may("submit") &&
        !(event.target as Element).closest(".file");
    });
    on("dragleave", (event) => {
      // Without a related target the pointer has left the window, not just an element.
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

/** A popover, since that is above an open dialog, too. */
function Area(): JSX.Element {
  const area = useRef<HTMLDivElement>(null);
  useEffect(() => area.current!.showPopover(), []);
  return <div ref={area} class="drop-area" popover="manual">{strings.dropHere}</div>;
}
