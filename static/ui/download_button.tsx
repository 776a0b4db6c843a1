import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { DownloadIcon } from "./icons.tsx";
import { saveFile } from "./save_file.ts";
import { useAction } from "./use_action.ts";

export interface DownloadButtonProps {
  /** Makes the file. May call `onrows` with the number of rows read so far. */
  file: (onrows: (count: number) => void, signal: AbortSignal) => Blob | Promise<Blob>;
  name: string;
  label: string;
  /** The text beside the icon. @default {nothing} */
  text?: string;
  id?: string;
}

export function DownloadButton(props: DownloadButtonProps): JSX.Element {
  const { file, name, label, text, id } = props;
  const count = useSignal<number | null>(null);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const { run, busy, error } = useAction(async () => {
    const { signal } = left.current;
    try {
      saveFile(await file((rows) => count.value = rows, signal), name);
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
        aria-disabled={busy}
        onClick={run}
      >
        <DownloadIcon />
        {count.value === null ? text : strings.downloading(number(count.value))}
      </button>
      {error !== null && <span class="problem" role="alert">{error.message}</span>}
    </>
  );
}
