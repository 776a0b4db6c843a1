import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { strings } from "../i18n/strings.ts";
import { CopyIcon } from "./icons.tsx";

export interface CopyButtonProps {
  /** Returns the text to copy. */
  text: () => string;
  /** The accessible name. @default {strings.copy} */
  label?: string;
  id?: string;
}

/** Copies a text. Not shown without a clipboard, which needs https or localhost. */
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
