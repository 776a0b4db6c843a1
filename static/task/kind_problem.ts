import type { TaskRecord } from "../../lib/task/record.ts";
import { kinds } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";
import { details } from "./task_details.ts";

/** What the server says of a kind that nobody has. */
const NOBODY = "no process runs this kind";

/** Why a task that waits cannot start, as far as its kind is to blame; `null` where it is not. */
export function kindProblem({ status, kind, task_id }: TaskRecord): string | null {
  if (status !== "pending") return null;
  const known = details.value?.data;
  const reason = known?.task_id === task_id ? known.unavailable : reasonInKinds(kind);
  if (reason === null) return null;
  return reason === NOBODY ? strings.notice.noKind(kind) : strings.notice.kindFailed(kind, reason);
}

/** Before the server has said how it is with the task itself. */
function reasonInKinds(kind: string): string | null {
  if (kinds.value === null) return null;
  const info = kinds.value.find((info) => info.kind === kind);
  return info === undefined ? NOBODY : info.unavailable ?? null;
}
