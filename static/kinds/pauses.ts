/**
 * The paused kinds, and the kinds that a dialog or the history is open for.
 *
 * @module
 */

import { computed, signal } from "@preact/signals";
import type { KindInfo, PausedKind } from "./kinds_api.ts";
import { kinds } from "../app/store.ts";

/** The kind that the pause dialog is about; `null` while that is closed. */
export const pausing = signal<string | null>(null);

/** The kind whose history is shown; `null` for none. */
export const lookedInto = signal<string | null>(null);

export const pausedKinds = computed(() =>
  (kinds.value ?? []).filter((info): info is KindInfo & { paused: PausedKind } =>
    Boolean(info.paused)
  )
);
