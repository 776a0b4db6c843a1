import type { TaskRecord } from "../../lib/task/record.ts";
import { kinds } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";
import { details } from "./task_details.ts";

/** The server's reason for a kind that no process has. */
const NOBODY = "no process runs this kind";

/** Why a pending task cannot start because of its kind; `null` if the kind is not why. */
export function kindProblem({ status, kind, task_id }: TaskRecord): string | null {
  if (status !== "pending") return null;
  const known = details.value?.data;
  const reason = known?.task_id === task_id ? known.unavailable : reasonInKinds(kind);
  if (reason === null) return null;
  return reason === NOBODY ? strings.notice.noKind(kind) : strings.notice.kindFailed(kind, reason);
}

/** The reason from the list of kinds, until the task's details are known. */
function reasonInKinds(kind: string): string | null {
  if (kinds.value === null) return null;
  const info = kinds.value.find((info) => info.kind === kind);
  return info === undefined ? NOBODY : info.unavailable ?? null;
}
