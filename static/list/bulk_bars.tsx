import type { JSX } from "preact";
import { BulkBar } from "./bulk_bar.tsx";
import { matching } from "./matching.ts";
import { MatchingBar } from "./matching_bar.tsx";

/** What can be done with the picked tasks, or with all that match. */
export function BulkBars(): JSX.Element {
  return matching.value === null ? <BulkBar /> : <MatchingBar />;
}
