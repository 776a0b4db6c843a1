import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../i18n/format.ts";
import { readRows, saveFile } from "./log_download.ts";
import type { LogRow } from "./log_rows.ts";
import { strings } from "../i18n/strings.ts";
import { DownloadIcon } from "../ui/icons.tsx";
import { useAction } from "../ui/use_action.ts";

/** What {@link DownloadButton} takes. */
export interface DownloadButtonProps {
  /** The task whose rows they are. */
  task: string;
  /** Makes a line of a row, or leaves it out with `null`. */
  line: (row: LogRow) => string | null;
  /** The file's name. */
  name: string;
  /** What it does. */
  label: string;
  /** The button's id. */
  id?: string;
}

/** Makes a file of all rows that the server has. */
export function DownloadButton({ task, line, name, label, id }: DownloadButtonProps): JSX.Element {
  const count = useSignal<number | null>(null);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const { run, busy, error } = useAction(async () => {
    const { signal } = left.current;
    try {
      saveFile(await readRows(task, line, (rows) => count.value = rows, signal), name);
    } catch (reason) {
      if (!signal.aborted) throw reason;
    } finally {
      count.value = null;
    }
  });
  return (
    <>
      <button
        type="button"
        id={id}
        class="button-quiet icon-button"
        aria-label={label}
        title={label}
        disabled={busy}
        onClick={run}
      >
        <DownloadIcon />
        {count.value !== null && strings.downloading(number(count.value))}
      </button>
      {error !== null && <span class="problem" role="alert">{error.message}</span>}
    </>
  );
}
