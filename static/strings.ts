/**
 * Every word the page shows, in one place, so that another language is another file like this.
 *
 * @module
 */

import type { Status } from "../lib/record.ts";

/** The language of the words and the numbers, BCP 47. */
export const LOCALE = "en";

/** The words. Those that hold a value are functions of it. */
export const strings = {
  product: "Headway",
  tasks: "Tasks",
  allTasks: "All tasks",
  newTask: "New task",
  skipToContent: "Skip to content",

  connection: {
    idle: "",
    connecting: "Connecting…",
    live: "Live",
    waiting: "Reconnecting…",
  },
  offline: (since: string) => `No connection since ${since}. What you see may be old.`,

  login: {
    title: "Sign in",
    token: "Token",
    hint: "Whoever runs this server gives you one.",
    signIn: "Sign in",
    signOut: "Sign out",
  },

  filters: {
    all: "All",
    pending: "Pending",
    running: "Running",
    completed: "Completed",
    failed: "Failed",
    canceled: "Canceled",
  },
  filterBy: "Show tasks by status",
  status: {
    pending: "Pending",
    running: "Running",
    completed: "Completed",
    failed: "Failed",
    canceled: "Canceled",
  } satisfies Record<Status, string>,
  scheduled: "Scheduled",
  retrying: "Waiting to retry",
  canceling: "Canceling…",

  loading: "Loading…",
  loadMore: "Load more",
  noTasks: "No tasks yet",
  noTasksHint: "Start the demo to see a task make headway, or drop a file here.",
  noneMatch: (filter: string) => `No ${filter.toLowerCase()} tasks`,
  startDemo: "Start a demo",

  progressOf: (kind: string) => `Progress of ${kind}`,
  left: (time: string) => `${time} left`,
  almostDone: "almost done",
  startsIn: (time: string) => `starts in ${time}`,
  startsSoon: "starts as soon as there is room",
  retryIn: (time: string) => `next attempt in ${time}`,
  ago: (time: string) => `${time} ago`,
  justNow: "just now",
  took: (time: string) => `took ${time}`,
  lastUpdate: (ago: string) => `Last update ${ago}`,
  silent: (time: string) => `No update for ${time}`,
  of: (done: string, total: string) => `${done} / ${total}`,
  perSecond: (amount: string) => `${amount}/s`,
  perMinute: (amount: string) => `${amount}/min`,
  announce: (kind: string, status: string, percent: string | null) =>
    percent === null ? `${kind}: ${status}` : `${kind}: ${status}, ${percent}`,

  facts: {
    attempt: "Attempt",
    submitted: "Submitted",
    started: "Started",
    elapsed: "Elapsed",
    ended: "Ended",
  },
  attemptOf: (attempt: number, max: number) => max > 1 ? `${attempt} of ${max}` : String(attempt),
  notYet: "–",

  cancel: "Cancel",
  retry: "Retry",
  runAgain: "Run again",
  remove: "Delete",
  reallyRemove: "Really delete?",
  copy: "Copy",
  copied: "Copied",
  copyId: "Copy the task's id",
  showAll: (size: string) => `Show all ${size}`,

  result: "Result",
  error: "Error",
  lastError: "Last error",
  log: "Log",
  follow: "Follow",
  emptyLog: "Nothing logged yet",
  noLog: "Nothing was logged",
  dropped: (count: string) => `${count} earlier rows are not shown`,
  output: "output",
  changed: (status: string, attempt: number) =>
    attempt > 0 ? `${status} · attempt ${attempt}` : status,

  noSuchTask: "There is no such task",
  noSuchTaskHint: "It was removed, or the address is not quite right.",
  deleted: "This task was deleted",

  form: {
    kind: "What to run",
    start: "Start",
    starting: "Starting…",
    close: "Close",
    input: "Input (JSON)",
    notJson: "This is not JSON",
    optional: "optional",
    chooseFile: "Choose a file",
    orDrop: "or drop it here",
    otherFile: "Choose another",
    needsFile: "Choose a file first",
    needsNumber: "This must be a number",
    required: "This is needed",
    uploading: (done: string, total: string) => `Uploading ${done} of ${total}`,
    storing: "Storing…",
    noKinds: "The kinds could not be loaded",
  },
  dropHere: "Drop the file to run a task on it",

  unreachable: "The server cannot be reached",
  unexpected: (status: number) => `The server answered with status ${status}`,
};
