import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { bytes, duration } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { CloseIcon, UploadIcon } from "../ui/icons.tsx";
import type { Sending } from "./use_uploads.ts";

/** Milliseconds of an upload before its remaining time can be estimated. */
const KNOWN_MS = 1500;

export interface Described {
  "aria-invalid"?: true;
  "aria-describedby"?: string;
}

export interface FileFieldProps {
  id: string;
  file: File | null;
  /** The id of an earlier task's upload, used if no file is picked; empty for none. */
  before: string;
  sending: Sending | null;
  locked: boolean;
  described: Described;
  onfile: (file: File) => void;
  oncancel: () => void;
}

/** A field to pick or drop a file, with the progress of its upload. */
export function FileField(props: FileFieldProps): JSX.Element {
  const { id, file, before, sending, locked, described, onfile, oncancel } = props;
  const over = useSignal(false);
  const take = (files: FileList | null | undefined) => {
    if (files?.[0] && !locked) onfile(files[0]);
  };
  return (
    <>
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
          take(event.dataTransfer?.files);
        }}
      >
        <input
          id={id}
          type="file"
          class="visually-hidden"
          aria-labelledby={`${id}-label ${id}-file`}
          disabled={locked}
          {...described}
          onChange={({ currentTarget }) => take(currentTarget.files)}
        />
        <UploadIcon />
        <span id={`${id}-file`}>
          <Picked file={file} before={before} locked={locked} />
        </span>
      </label>
      {file !== null && sending !== null && (
        <UploadProgress sending={sending} total={file.size} oncancel={oncancel} />
      )}
    </>
  );
}

function Picked({ file, before, locked }: Pick<FileFieldProps, "file" | "before" | "locked">) {
  const { form } = strings;
  if (file === null && before === "") {
    return (
      <span>
        <span class="link">{form.chooseFile}</span> {form.orDrop}
      </span>
    );
  }
  return (
    <span class="file-picked">
      <span class="file-name text">{file?.name ?? form.sameFile}</span>
      <span class="file-size">{file ? bytes(file.size) : form.sameFileHint}</span>
      {!locked && <span class="link">{form.otherFile}</span>}
    </span>
  );
}

interface UploadProgressProps {
  sending: Sending;
  total: number;
  oncancel: () => void;
}

function UploadProgress({ sending, total, oncancel }: UploadProgressProps): JSX.Element {
  const { sent, since } = sending;
  const part = total === 0 ? 100 : Math.min(100, 100 * sent / total);
  const text = part < 100
    ? strings.form.uploading(bytes(Math.min(sent, total)), bytes(total))
    : strings.form.storing;
  const passed = performance.now() - since;
  const left = passed * (total - sent) / sent;
  return (
    <div class="file-progress">
      <div
        class="bar bar-small bar-running"
        role="progressbar"
        aria-label={strings.form.upload}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(part)}
        aria-valuetext={text}
      >
        <div class="bar-fill" style={{ transform: `translateX(${part - 100}%)` }} />
      </div>
      <span class="file-sent">
        {text}
        {passed > KNOWN_MS && part < 100 && ` · ${strings.left(duration(Math.max(1000, left)))}`}
      </span>
      <button type="button" class="button-quiet file-cancel" onClick={oncancel}>
        <CloseIcon />
        {strings.form.cancelUpload}
      </button>
    </div>
  );
}
