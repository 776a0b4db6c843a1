import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { uploadFile } from "./upload_file.ts";

export interface Sending {
  readonly path: string;
  readonly sent: number;
  /** When the upload began, by `performance.now()`. */
  readonly since: number;
}

export interface Uploads {
  readonly sending: ReadonlySignal<Sending | null>;
  /** Uploads a file once. Resolves to the upload's id, or to `null` if it was canceled. */
  readonly send: (path: string, file: File) => Promise<string | null>;
  readonly cancel: () => void;
}

/** Uploads files one after the other, and each only once however often the form is submitted. */
export function useUploads(): Uploads {
  const sending = useSignal<Sending | null>(null);
  const sent = useRef(new Map<File, string>());
  const current = useRef<AbortController | null>(null);
  const cancel = () => current.current?.abort();
  useEffect(() => cancel, []);

  async function send(path: string, file: File): Promise<string | null> {
    const before = sent.current.get(file);
    if (before !== undefined) return before;
    const controller = current.current = new AbortController();
    const { signal } = controller;
    const since = performance.now();
    const onprogress = (bytes: number) => sending.value = { path, sent: bytes, since };
    onprogress(0);
    // Leaving the page would end the upload: the browser asks first.
    addEventListener("beforeunload", stay);
    try {
      const { upload_id } = await uploadFile(file, onprogress, signal);
      sent.current.set(file, upload_id);
      return upload_id;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      removeEventListener("beforeunload", stay);
      sending.value = null;
      current.current = null;
    }
  }

  return { sending, send, cancel };
}

function stay(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
