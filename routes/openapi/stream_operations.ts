import { KIND_PATTERN } from "../../lib/task/define.ts";
import { ANY_ID, labels, many, type Operation, orNone, SSE, text } from "./operation.ts";

const lastEventId = {
  headers: { "Last-Event-ID": text.describe("Continues after this event") },
  query: {
    last_event_id: text.describe("The same, for a first connect; the other two win"),
    lastEventId: text.describe("The same, as polyfills name it; the header wins"),
  },
};

const streamOne = (id: string): Operation => ({
  id,
  summary: "Follow a task live",
  description: "Server-Sent Events: 'message' with the record at each change, 'log', 'output', " +
    "'rewind' (outputs so far with a seq above its 'after' no longer count), " +
    "'reset' (forget what you have: everything that is kept follows), and 'complete' once, at the end.",
  ...lastEventId,
  answers: {
    200: ["Events, to the task's end", SSE],
    204: ["The client has seen the end: a browser does not reconnect"],
    406: ["'Accept' excludes text/event-stream", "Problem"],
  },
});

export const STREAM_OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /tasks/stream": {
    id: "streamTasks",
    summary: "Follow many tasks over one connection",
    description: "Server-Sent Events: a 'snapshot' (or 'reset', where it cannot resume), then " +
      "'message', 'complete' and 'deleted'; with 'rows' also 'log', 'output' and 'rewind'.",
    headers: lastEventId.headers,
    query: {
      ids: many(ANY_ID, "Up to 1,000 tasks", 1000).min(1),
      kind: orNone(KIND_PATTERN).describe("The tasks of one kind"),
      ...labels,
      rows: many(ANY_ID, "Up to 20 tasks whose log and output rows are wanted", 20).min(1),
      ...lastEventId.query,
    },
    answers: {
      200: ["Events", SSE],
      400: ["A parameter is wrong", "Problem"],
      404: ["One of them cannot be an id", "Problem"],
      406: ["'Accept' excludes text/event-stream", "Problem"],
    },
  },
  "GET /tasks/stream-all": {
    id: "streamNewest",
    summary: "The newest 100 tasks, whole, at most once a second",
    answers: {
      200: ["Events", SSE],
      406: ["'Accept' excludes text/event-stream", "Problem"],
    },
  },
  "GET /tasks/:id/stream": streamOne("streamTask"),
  "GET /tasks/:id/stream-with-heartbeat": streamOne("streamTaskWithHeartbeat"),
  "GET /tasks/:id/stream-with-id": streamOne("streamTaskWithId"),
};
