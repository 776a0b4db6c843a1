import { z } from "zod";
import { STATUSES } from "../../lib/task/record.ts";
import { CREDENTIALS, NEW_TOKEN, OWNER, PAUSE } from "../bodies.ts";
import { type Answer, kind, type Operation, text, whole } from "./operation.ts";

/** The files of the client and their types, for other pages and programs. */
function clientFiles(): Record<string, Operation> {
  const files = { client: "Client", "headway-progress": "Progress", "use-task": "UseTask" };
  const entries = Object.entries(files).flatMap(([name, id]) =>
    [["js", "text/javascript"], ["d.ts", "application/typescript"]].map(([end, type]) => {
      const operation: Operation = {
        id: `get${id}${end === "js" ? "" : "Types"}`,
        summary: `The client: ${name}.${end}`,
        headers: { "If-None-Match": text.describe("An ETag") },
        answers: { 200: ["A module", type as Answer[1] & string], 304: ["Unchanged"] },
      };
      return [`GET /${name}.${end}`, operation];
    })
  );
  return Object.fromEntries(entries);
}

export const SERVER_OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /": {
    id: "getPage",
    summary: "The page",
    answers: { 200: ["HTML", "text/html"] },
  },
  "GET /login": {
    id: "getSession",
    summary: "Whether a token is needed, and what the page's session allows",
    answers: { 200: ["The session", "Session"] },
  },
  "POST /login": {
    id: "signIn",
    summary: "Start a session of the page, in a cookie",
    body: CREDENTIALS,
    answers: {
      200: ["With 'Set-Cookie'", "SignedIn"],
      401: ["There is no such token", "Problem"],
      409: ["This server needs no token", "Problem"],
      429: ["Too many tries", "Problem"],
    },
  },
  "POST /logout": {
    id: "signOut",
    summary: "End the session and its streams",
    answers: {
      204: ["The session has ended, and the cookie is removed"],
      503: [
        "The session has ended here, but this is not stored: other processes may not know",
        "Problem",
      ],
    },
  },
  "POST /tokens": {
    id: "createToken",
    summary: "Make a token for one task, or for the tasks of an owner",
    description: "It expires, and cannot allow more than its maker may do.",
    body: NEW_TOKEN,
    answers: {
      200: ["The token, and until when it is valid", "SignedToken"],
      404: ["It cannot be the id of a task", "Problem"],
      409: ["This server needs no token", "Problem"],
    },
  },
  "POST /uploads": {
    id: "createUpload",
    summary: "Store a file for a task to read, for a day",
    description:
      "The body may be compressed, with 'Content-Encoding: gzip': it is stored uncompressed.",
    body: "bytes",
    bodyOptional: true,
    query: {
      name: text.describe("A file name"),
      owner: OWNER.describe("Who owns it; where left out, the owner that the token is for, if any"),
    },
    headers: { "X-Filename": text.describe("The same, percent-encoded") },
    writes: true,
    answers: {
      201: ["The upload, whose id a task's input may name", "Upload"],
      507: ["There is no room for it: 'bound' is the limit that it would exceed", "Problem"],
    },
  },
  "GET /kinds": {
    id: "listKinds",
    summary: "The kinds of tasks there are, with their inputs",
    answers: { 200: ["Kinds and limits", "Kinds"] },
  },
  "POST /kinds/:kind/pause": {
    id: "pauseKind",
    summary: "Keep tasks of a kind from starting",
    description: "Running tasks continue; 'running' in 'GET /kinds' tells how many there are. " +
      "It holds for all processes, across restarts, until the kind is resumed.",
    path: { kind: kind.describe("The kind's name") },
    body: PAUSE,
    bodyOptional: true,
    writes: true,
    answers: {
      200: ["It is paused", "PausedKind"],
      404: ["There is no such kind", "Problem"],
    },
  },
  "POST /kinds/:kind/resume": {
    id: "resumeKind",
    summary: "Let tasks of a kind start again",
    path: { kind: kind.describe("The kind's name") },
    writes: true,
    answers: {
      200: ["It is not paused, or no longer", "PausedKind"],
      404: ["There is no such kind", "Problem"],
    },
  },
  "GET /kinds/:kind/audit": {
    id: "getAudit",
    summary: "Who changed a kind, and who deleted tasks of it: the newest 200 of each",
    query: { limit: whole(1, 400).default(50) },
    path: { kind },
    answers: { 200: ["The newest first", "Audit"], 400: ["A parameter is wrong", "Problem"] },
  },
  "GET /healthz": {
    id: "getHealth",
    summary: "Whether the process answers",
    answers: { 200: ["It does", "Health"] },
  },
  "GET /readyz": {
    id: "getReady",
    summary: "Whether it can do its work",
    answers: {
      200: ["It can", "Readiness"],
      503: [
        "It is stopping, the store takes no writes, or no module of kinds can be loaded: send requests elsewhere",
        "Readiness",
      ],
    },
  },
  "GET /metrics": {
    id: "getMetrics",
    summary: "Metrics, in the format of Prometheus",
    answers: { 200: ["Text, version 0.0.4", "text/plain"] },
  },
  "GET /info": {
    id: "getInfo",
    summary: "How large the store is, and how long it keeps finished tasks",
    answers: { 200: ["Sizes and limits", "Info"] },
  },
  "GET /openapi.json": {
    id: "getOpenApi",
    summary: "This description",
    answers: { 200: ["OpenAPI 3.1", "application/json"] },
  },
  "GET /docs": {
    id: "getDocs",
    summary: "This description, to read",
    answers: { 200: ["HTML", "text/html"] },
  },
  "GET /icon.svg": {
    id: "getIcon",
    summary: "The icon of a tab that shows such a task",
    query: { status: z.enum(STATUSES), progress: whole(0, 100).default(0) },
    required: ["status"],
    answers: {
      200: ["A ring that fills", "image/svg+xml"],
      400: ["A parameter is wrong", "Problem"],
    },
  },
  ...clientFiles(),
  "GET /static/i18n/:file": {
    id: "getStrings",
    summary: "The words of the page in a language",
    headers: { "If-None-Match": text.describe("An ETag") },
    answers: {
      200: ["A module", "*/*"],
      304: ["Unchanged"],
      404: ["There is no such language", "Problem"],
    },
  },
  "GET /static/:file": {
    id: "getStatic",
    summary: "Script, style and icon of the page",
    headers: { "If-None-Match": text.describe("An ETag") },
    answers: {
      200: ["A file", "*/*"],
      304: ["Unchanged"],
      404: ["There is no file of this name", "Problem"],
    },
  },
};
