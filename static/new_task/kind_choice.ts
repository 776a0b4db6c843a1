/**
 * Which kinds the form offers, and in which order: the operator's own, then those that ship with
 * Headway.
 *
 * @module
 */

import type { KindInfo } from "../kinds/kinds_api.ts";
import { takesFile } from "./kind_form.ts";

/** Kinds in two groups, each sorted by name. */
export interface KindGroups {
  /** The kinds of the operator's modules. */
  readonly own: readonly KindInfo[];
  /** The kinds that ship with Headway. */
  readonly shipped: readonly KindInfo[];
}

/** The kinds that match a search text; if there is a file, only those that take one. */
export function kindGroups(
  kinds: readonly KindInfo[],
  file: File | null,
  text: string,
): KindGroups {
  const words = text.trim().toLowerCase().split(/\s+/);
  const found = kinds.filter(({ kind, description, input, hidden }) => {
    if (hidden) return false;
    if (file !== null && !takesFile(input)) return false;
    const all = `${kind} ${description ?? ""}`.toLowerCase();
    return words.every((word) => all.includes(word));
  }).sort((one, other) => one.kind < other.kind ? -1 : 1);
  return {
    own: found.filter(({ shipped }) => !shipped),
    shipped: found.filter(({ shipped }) => shipped),
  };
}

/** The kind that is chosen initially: one of the operator's, else one that fits the file. */
export function firstKind(groups: KindGroups, file: File | null): string | undefined {
  const [own, shipped] = [groups.own, groups.shipped].map((group) =>
    group.filter(({ unavailable }) => !unavailable)
  ) as [KindInfo[], KindInfo[]];
  const fitting = file === null ? "demo" : isTable(file) ? "csv-profile" : "checksum";
  const first = own[0] ?? shipped.find(({ kind }) => kind === fitting) ?? shipped[0];
  return first?.kind;
}

function isTable({ name, type }: File): boolean {
  return /\.(csv|tsv)$/i.test(name) || type === "text/csv";
}
