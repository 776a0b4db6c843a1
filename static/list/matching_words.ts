/**
 * The texts of the bar for all tasks that match, in each language: they are loaded with the bar.
 *
 * @module
 */

import type { BulkAction } from "../client/bulk_by_filter.ts";
import { type Language, language } from "../i18n/strings.ts";

type ByAction<Words> = Readonly<Record<BulkAction, Words>>;

const en = {
  matching: "All tasks that match",
  everything: "All tasks",
  actions: { cancel: "Cancel…", retry: "Retry…", delete: "Delete…" } as ByAction<string>,
  counting: (count: string) => `Counting… ${count}`,
  these: (count: string) => count === "1" ? "1 task" : `${count} tasks`,
  none: {
    cancel: "None of them can be canceled",
    retry: "None of them can be retried",
    delete: "None of them can be deleted",
  } as ByAction<string>,
  doing: {
    cancel: (done: string, total: string) => `Canceling: ${done} of ${total}`,
    retry: (done: string, total: string) => `Retrying: ${done} of ${total}`,
    delete: (done: string, total: string) => `Deleting: ${done} of ${total}`,
  } as ByAction<(done: string, total: string) => string>,
  stop: "Stop",
  did: {
    // Running tasks stop later.
    cancel: (these: string) => `Requested cancellation of ${these}`,
    retry: (these: string) => `Retried ${these}`,
    delete: (these: string) => `Deleted ${these}`,
  } as ByAction<(these: string) => string>,
  stopped: {
    cancel: (done: string, total: string) =>
      `Stopped: requested cancellation of ${done} of ${total}`,
    retry: (done: string, total: string) => `Stopped: retried ${done} of ${total}`,
    delete: (done: string, total: string) => `Stopped: deleted ${done} of ${total}`,
  } as ByAction<(done: string, total: string) => string>,
  couldNot: (these: string) => `${these} could not be changed:`,
  close: "Close",
};

export type MatchingWords = typeof en;

const zh: MatchingWords = {
  matching: "所有符合条件的任务",
  everything: "所有任务",
  actions: { cancel: "取消…", retry: "重试…", delete: "删除…" },
  counting: (count) => `正在统计… ${count}`,
  these: (count) => ` ${count} 个`,
  none: {
    cancel: "没有可以取消的任务",
    retry: "没有可以重试的任务",
    delete: "没有可以删除的任务",
  },
  doing: {
    cancel: (done, total) => `正在取消：${done} / ${total}`,
    retry: (done, total) => `正在重试：${done} / ${total}`,
    delete: (done, total) => `正在删除：${done} / ${total}`,
  },
  stop: "停止",
  did: {
    cancel: (these) => `已向${these}任务发出取消请求`,
    retry: (these) => `已重试${these}任务`,
    delete: (these) => `已删除${these}任务`,
  },
  stopped: {
    cancel: (done, total) => `已停止：已发出取消请求 ${done} / ${total}`,
    retry: (done, total) => `已停止：已重试 ${done} / ${total}`,
    delete: (done, total) => `已停止：已删除 ${done} / ${total}`,
  },
  couldNot: (these) => `${these.trim()}任务未能完成操作：`,
  close: "关闭",
};

const words: Readonly<Record<Language, MatchingWords>> = { en, zh };

export function matchingWords(): MatchingWords {
  return words[language.value];
}
