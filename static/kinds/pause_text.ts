import type { PausedKind } from "./kinds_api.ts";
import { whoIn } from "../app/who.ts";
import { clockTime, fullTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

const DAY_MS = 24 * 3_600_000;

/** Since when, by whom and why a kind is paused, in words, as far as the session may know. */
export function pauseText(kind: string, pause: PausedKind): string {
  const { since, reason } = pause;
  const recent = Date.now() - Date.parse(since) < DAY_MS / 2;
  const text = strings.pause.paused(
    kind,
    whoIn(pause),
    recent ? clockTime(since) : fullTime(since),
  );
  return reason === null ? strings.pause.end(text) : strings.pause.because(text, reason);
}
