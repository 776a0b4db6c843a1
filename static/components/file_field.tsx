import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { bytes } from "../format.ts";
import { strings } from "../strings.ts";
import { UploadIcon } from "./icons.tsx";

/** What {@link FileField} takes. */
export interface FileFieldProps {
  /** The input's id. */
  id: string;
  /** The file. */
  file: Signal<File | null>;
  /** Bytes of it that are sent; `null` while it is not being uploaded. */
  sent: Signal<number | null>;
  /** Attributes that tell what is wrong. */
  described: { "aria-invalid"?: true; "aria-describedby"?: string };
}

/** A place for a file: to pick one or to drop it, and to see it go up. */
export function FileField({ id, file, sent, described }: FileFieldProps): JSX.Element {
  const over = useSignal(false);
  const picked = file.value;
  return (
    <label
      class={`file${over.value ? " file-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => over.value = false}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        over.value = false;
        file.value = event.dataTransfer?.files[0] ?? file.peek();
      }}
    >
      <input
        id={id}
        type="file"
        class="visually-hidden"
        disabled={sent.value !== null}
        {...described}
        onChange={({ currentTarget }) => file.value = currentTarget.files?.[0] ?? file.peek()}
      />
      <UploadIcon />
      {picked === null
        ? (
          <span>
            <span class="link">{strings.form.chooseFile}</span> {strings.form.orDrop}
          </span>
        )
        : (
          <span class="file-picked">
            <span class="file-name text">{picked.name}</span>
            <span class="file-size">{bytes(picked.size)}</span>
            {sent.value === null && <span class="link">{strings.form.otherFile}</span>}
          </span>
        )}
      {picked !== null && sent.value !== null && (
        <UploadProgress sent={sent.value} total={picked.size} />
      )}
    </label>
  );
}

function UploadProgress({ sent, total }: { sent: number; total: number }): JSX.Element {
  const part = total === 0 ? 100 : Math.min(100, 100 * sent / total);
  const text = part < 100
    ? strings.form.uploading(bytes(sent), bytes(total))
    : strings.form.storing;
  return (
    <span class="file-progress">
      <span
        class="bar bar-small bar-running"
        role="progressbar"
        aria-label={text}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part)}
      >
        <span class="bar-fill" style={{ transform: `translateX(${part - 100}%)` }} />
      </span>
      <span class="file-sent">{text}</span>
    </span>
  );
}
