/**
 * Every word the page shows, in English. Each other language is a file like this with the same
 * names, which `Strings` sees to.
 *
 * @module
 */

import type { Status } from "../../lib/record.ts";

/** The words. Those that hold a value are functions of it. */
export const en = {
  product: "Headway",
  tasks: "Tasks",
  allTasks: "All tasks",
  newTask: "New task",
  skipToContent: "Skip to content",

  /** What tasks count, where the language has a word for it. */
  units: {} as Readonly<Record<string, string>>,

  connection: {
    idle: "",
    connecting: "Connecting…",
    live: "Live",
    waiting: "Reconnecting…",
  },
  stale: (since: string) => `Stale since ${since}`,
  offline: (since: string) => `No connection since ${since}. What you see may be old.`,

  login: {
    title: "Sign in",
    token: "Token",
    hint: "Whoever runs this server gives you one.",
    signIn: "Sign in",
    signOut: "Sign out",
  },

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
  noTasks: "No tasks yet",
  noTasksHint: "Start the demo to see a task make headway, or drop a file here.",
  startDemo: "Start a demo",

  list: {
    all: "All",
    byStatus: "Show tasks by status",
    byStatusHint: "Hold Ctrl or ⌘ to show several",
    count: (count: string, more: boolean) => more ? `${count}+` : count,
    allKinds: "All kinds",
    kind: "Kind",
    search: "Search",
    searchHint: "Id, kind, message…",
    clearSearch: "Clear the search",
    time: "Submitted",
    times: {
      "": "Any time",
      "1h": "Last hour",
      "24h": "Last 24 hours",
      "7d": "Last 7 days",
      custom: "From … to …",
    },
    from: "From",
    to: "To",
    fresh: (count: string) => `${count} new`,
    loadingOlder: "Loading older tasks…",
    end: (count: string) => `That is all: ${count}`,
    limit: (count: string) => `The newest ${count} are shown. Filter to find others.`,
    noneMatch: "No task matches",
    noneMatchHint: "Other tasks may, without some of the filters.",
    clearFilters: "Clear the filters",
    missing: "The tasks could not be loaded",
    leaving: "no longer matches",
    select: (kind: string, id: string) => `Select ${kind} ${id}`,
    selected: (count: string) => `${count} selected`,
    selectAll: (count: string) => `Select all ${count}`,
    bulk: "What to do with the selected tasks",
    cancel: (count: string) => `Cancel ${count}`,
    retry: (count: string) => `Retry ${count}`,
    remove: (count: string) => `Delete ${count}`,
    reallyRemove: (count: string) => `Really delete ${count}?`,
    doing: (done: string, total: string) => `${done} of ${total}…`,
    clear: "Clear the selection",
    someFailed: (failed: string, total: string) => `Not done for ${failed} of ${total}:`,
    moreFailed: (count: string) => `and ${count} more`,
    silent: (time: string) => `silent for ${time}`,
    attempt: (attempt: number, max: number) => `Attempt ${attempt} of ${max}`,
    help: "Keyboard shortcuts",
    helpKeys: [
      ["j", "k", "Next and previous task"],
      ["Enter", "", "Open the task"],
      ["x", "Space", "Select the task"],
      ["Shift ↑", "Shift ↓", "Select a range"],
      ["Ctrl A", "", "Select all that are loaded"],
      ["Home", "End", "First and last task"],
      ["/", "", "Search"],
      ["Esc", "", "Clear the selection or the search"],
      ["?", "", "This help"],
    ] as readonly (readonly [key: string, other: string, does: string])[],
  },

  progressOf: (kind: string) => `Progress of ${kind}`,
  left: (time: string) => `${time} left`,
  almostDone: "almost done",
  startsIn: (time: string) => `starts in ${time}`,
  startsSoon: "starts as soon as there is room",
  retryIn: (time: string) => `next attempt in ${time}`,
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

/** What a language has to say. */
export type Strings = typeof en;
