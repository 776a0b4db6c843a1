import type { TaskRecord } from "../../lib/task/record.ts";
import { kinds } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";

/** Why a task that waits cannot start, as far as its kind is to blame; `null` where it is not. */
export function kindProblem({ status, kind }: TaskRecord): string | null {
  if (status !== "pending" || kinds.value === null) return null;
  const info = kinds.value.find((info) => info.kind === kind);
  if (info === undefined) return strings.notice.noKind(kind);
  return info.unavailable ? strings.notice.kindFailed(kind, info.unavailable) : null;
}
