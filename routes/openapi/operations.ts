/**
 * Describes what each route of the table takes and answers. What the table itself says (who may use
 * a route), and what follows from that, is added in `document.ts`.
 *
 * @module
 */

import type { Operation } from "./operation.ts";
import { SCHEDULE_OPERATIONS } from "./schedule_operations.ts";
import { SERVER_OPERATIONS } from "./server_operations.ts";
import { STREAM_OPERATIONS } from "./stream_operations.ts";
import { TASK_OPERATIONS } from "./task_operations.ts";

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...TASK_OPERATIONS,
  ...STREAM_OPERATIONS,
  ...SCHEDULE_OPERATIONS,
  ...SERVER_OPERATIONS,
};
