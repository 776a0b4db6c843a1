/**
 * Which kinds are paused, and which of them a dialog is about.
 *
 * @module
 */

import { computed, signal } from "@preact/signals";
import type { KindInfo, PausedKind } from "./kinds_api.ts";
import { kinds } from "../app/store.ts";

/** The kind that is about to be paused; `null` for none. */
export const pausing = signal<string | null>(null);

/** The kind whose history is looked into; `null` for none. */
export const lookedInto = signal<string | null>(null);

/** The kinds that are paused. */
export const pausedKinds = computed(() =>
  (kinds.value ?? []).filter((info): info is KindInfo & { paused: PausedKind } =>
    Boolean(info.paused)
  )
);
