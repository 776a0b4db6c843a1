import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { bytes } from "../format.ts";
import { strings } from "../strings.ts";

/** What {@link LongText} takes. */
export interface LongTextProps {
  /** Anything, from anywhere: it is shown as text. */
  text: string;
  /** Characters shown at first. */
  limit: number;
}

/** A text whose rest is shown on demand: one row of 48 kB would bury the others. */
export function LongText({ text, limit }: LongTextProps): JSX.Element {
  const whole = useSignal(false);
  if (whole.value || text.length <= limit) return <>{text}</>;
  return (
    <>
      {text.slice(0, limit)}…{" "}
      <button type="button" class="link" onClick={() => whole.value = true}>
        {strings.showAll(bytes(text.length))}
      </button>
    </>
  );
}
