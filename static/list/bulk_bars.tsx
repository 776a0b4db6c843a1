import type { JSX } from "preact";
import { BulkBar } from "./bulk_bar.tsx";
import { matching } from "./matching.ts";
import { MatchingBar } from "./matching_bar.tsx";

/** The bar for the picked tasks, or the one for all tasks that match. */
export function BulkBars(): JSX.Element {
  return matching.value === null ? <BulkBar /> : <MatchingBar />;
}
