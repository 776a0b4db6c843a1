import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { bytes } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

export interface LongTextProps {
  /** May be untrusted: it is shown as plain text. */
  text: string;
  /** Characters shown at first. */
  limit: number;
  /** The index of the first character shown. @default {0} */
  from?: number;
  /** Renders the part that is shown. @default {as it is} */
  mark?: (text: string) => ComponentChildren;
}

/** A text that is shown in part until expanded: a row of 48 kB would bury the others. */
export function LongText({ text, limit, from = 0, mark }: LongTextProps): JSX.Element {
  const whole = useSignal(false);
  if (whole.value || text.length <= limit) return <>{mark ? mark(text) : text}</>;
  const part = text.slice(from, from + limit);
  return (
    <>
      {from > 0 && "…"}
      {mark ? mark(part) : part}…{" "}
      <button type="button" class="link" onClick={() => whole.value = true}>
        {strings.showAll(bytes(text.length))}
      </button>
    </>
  );
}
