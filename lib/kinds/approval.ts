/**
 * The kind `approval`: asks somebody, and waits for the answer. An example of a step, a wait and a
 * result.
 *
 * @module
 */

import { z } from "zod";
import { defineTask, log, progress, step, type TaskDefinition, waitFor } from "headway";

export interface ApprovalInput {
  /** What is asked, 1 to 200 characters. */
  question: string;
  /** Days to wait for an answer, up to 365. @default {7} */
  days: number;
}

export interface ApprovalResult {
  /** What was answered; `expired` if no answer came in time. */
  outcome: "approved" | "refused" | "expired";
  /** The comment of the answer, if it has one. */
  comment?: string;
  /** When the question was asked. ISO 8601. */
  asked_at: string;
}

const input = z.strictObject({
  question: z.string().min(1).max(200).default("May the report be published?").describe(
    "What is asked",
  ),
  days: z.number().positive().max(365).default(7).describe("Days to wait for an answer"),
});

const answer = z.strictObject({
  approved: z.boolean().describe("Yes, it may"),
  comment: z.string().max(1000).optional().describe("Why, or any other comment"),
});

/** Waits up to `days` days for the signal `answer`, and returns the outcome. */
export const approval: TaskDefinition<
  ApprovalInput,
  never,
  ApprovalResult,
  { [Field in keyof ApprovalInput]?: ApprovalInput[Field] | undefined },
  "approval"
> = defineTask({
  kind: "approval",
  description: "Asks a question in the page, and waits for days for the answer",
  input,
  async *run({ input: { question, days } }) {
    const asked_at = yield* step("ask", () => new Date().toISOString());
    yield progress({ progress: 50, message: question });
    const given = yield* waitFor("answer", { schema: answer, timeout: { days } });
    if (given === undefined) return { outcome: "expired" as const, asked_at };
    const { approved, comment } = given;
    const outcome = approved ? "approved" as const : "refused" as const;
    yield log(`It was ${outcome}`, comment ? { comment } : {});
    return { outcome, ...(comment ? { comment } : {}), asked_at };
  },
});
