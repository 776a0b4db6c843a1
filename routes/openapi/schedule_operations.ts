import { NEW_SCHEDULE, SCHEDULE_CHANGE } from "../bodies.ts";
import {
  type Answer,
  idempotencyKey,
  kind,
  many,
  type Operation,
  text,
  whole,
} from "./operation.ts";

const NO_SCHEDULE: Answer = ["There is no such schedule", "Problem"];

export const SCHEDULE_OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /schedules": {
    id: "listSchedules",
    summary: "List schedules, by name",
    query: {
      kind: many(kind, "Up to 100 kinds", 100),
      limit: whole(1, 100).default(50),
      cursor: text.describe("'next_cursor' of an earlier page"),
    },
    answers: { 200: ["A page", "SchedulePage"], 400: ["A parameter is wrong", "Problem"] },
  },
  "POST /schedules": {
    id: "createSchedule",
    summary: "Create tasks at the times of a cron pattern",
    description: "Each time creates one task, on any number of machines. The first time is the " +
      "next one from now on.",
    body: NEW_SCHEDULE,
    writes: true,
    answers: {
      201: ["The schedule; 'Location' is its address", "Schedule"],
      409: ["There is already one of this id, or there are too many", "Problem"],
      422: ["No such kind, pattern or zone, or the input does not fit", "Problem"],
    },
  },
  "GET /schedules/:id": {
    id: "getSchedule",
    summary: "A schedule, with its input and its last outcomes",
    answers: { 200: ["The schedule", "Schedule"], 404: NO_SCHEDULE },
  },
  "PATCH /schedules/:id": {
    id: "changeSchedule",
    summary: "Change, pause or resume a schedule",
    description:
      "Fields that are left out stay as they are. Times before a change still have their tasks; " +
      "times during a pause have none. The schedule of a kind can only be paused.",
    body: SCHEDULE_CHANGE,
    writes: true,
    answers: {
      200: ["The schedule", "Schedule"],
      404: NO_SCHEDULE,
      409: ["The definition of its kind sets it", "Problem"],
      422: ["No such pattern or zone, or the input does not fit", "Problem"],
    },
  },
  "DELETE /schedules/:id": {
    id: "deleteSchedule",
    summary: "Remove a schedule; its tasks stay",
    writes: true,
    answers: {
      204: ["It is gone"],
      404: NO_SCHEDULE,
      409: ["The definition of its kind sets it", "Problem"],
    },
  },
  "POST /schedules/:id/run": {
    id: "runSchedule",
    summary: "Make a task of a schedule now",
    description: "Its times stay as they are, and a task under way does not prevent it.",
    headers: { "Idempotency-Key": idempotencyKey.describe("The same key gives the same task") },
    writes: true,
    answers: {
      200: ["The task that was made with this Idempotency-Key", "SubmittedTask"],
      201: ["The task; 'Location' is its address", "SubmittedTask"],
      400: ["The Idempotency-Key is not valid", "Problem"],
      404: NO_SCHEDULE,
      422: [
        "Its input names an upload that is gone, or the key was used for something else",
        "Problem",
      ],
    },
  },
};
