import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { strings } from "../i18n/strings.ts";
import { CopyIcon } from "./icons.tsx";

export interface CopyButtonProps {
  /** Gives what is copied. */
  text: () => string;
  /** What it does. @default {strings.copy} */
  label?: string;
  id?: string;
}

/** Copies a text, where the browser lets a page do so: over https, or on this machine. */
export function CopyButton(
  { text, label = strings.copy, id }: CopyButtonProps,
): JSX.Element | null {
  const copied = useSignal(false);
  if (!navigator.clipboard) return null;
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      return;
    }
    copied.value = true;
    setTimeout(() => copied.value = false, 1500);
  }
  return (
    <button
      type="button"
      id={id}
      class="button-quiet copy"
      aria-label={label}
      title={label}
      onClick={copy}
    >
      <CopyIcon />
      <span class="copy-done" role="status">{copied.value ? strings.copied : ""}</span>
    </button>
  );
}
