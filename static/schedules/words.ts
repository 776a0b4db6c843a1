/**
 * The texts of the schedules, in each language: they are loaded with the view, which is rarely the
 * first to be seen.
 *
 * @module
 */

import { type Language, language } from "../i18n/strings.ts";

const en = {
  tasks: "Tasks",
  none: "No schedules yet",
  noneHint:
    "Add a schedule to the definition of a kind, or POST one to /schedules. It creates exactly one task at each of its times.",
  ofKind: "defined by its kind",
  paused: "paused",
  pausedBy: (who: string, when: string) => `Paused by ${who}, ${when}`,
  pausedAt: (when: string) => `Paused ${when}`,
  pause: "Pause",
  resume: "Resume",
  runNow: "Run now",
  nextIn: (time: string) => `in ${time}`,
  now: "now",
  next: "Next, by your clock",
  noNext: "No upcoming times",
  missed: {
    skip: "missed times are skipped",
    one: "one run makes up for missed times",
    all: "each missed time is made up for",
  },
  overlap: {
    skip: "skips while a run is under way",
    queue: "waits while a run is under way",
    allow: "runs may overlap",
  },
  queued: (count: string) => `${count} waiting for the run under way`,
  figures: (made: string, skipped: string) => `${made} created, ${skipped} skipped`,
  last: "Last outcomes, the newest on the right",
  nothing: "No outcomes yet",
  runOf: (time: string, status: string) => `${time}: ${status}`,
  asked: (time: string, status: string) => `${time}, run by hand: ${status}`,
  gone: "removed since",
  skips: (time: string, why: string) => `${time} skipped: ${why}`,
  skipsMany: (count: string, from: string, to: string, why: string) =>
    `${count} skipped, ${from} to ${to}: ${why}`,
  atLeast: (count: string) => `more than ${count}`,
  why: {
    missed: "no process was running at that time",
    overlap: (run: string | null) =>
      run === null ? "a run was still under way" : `the run of ${run} was still under way`,
    full: "the queue was full",
    paused: "it was paused",
    refused: "its task could not be created",
  },
  more: "Show more",
};

export type ScheduleWords = typeof en;

const zh: ScheduleWords = {
  tasks: "任务",
  none: "还没有定时计划",
  noneHint:
    "在类型定义中添加 schedule，或向 /schedules 发送 POST 请求。每到计划时间，都会创建且只创建一个任务。",
  ofKind: "由类型定义",
  paused: "已暂停",
  pausedBy: (who, when) => `${who} 于 ${when}暂停`,
  pausedAt: (when) => `${when}暂停`,
  pause: "暂停",
  resume: "恢复",
  runNow: "立即运行",
  nextIn: (time) => `${time}后`,
  now: "现在",
  next: "接下来（按您的时钟）",
  noNext: "没有后续的计划时间",
  missed: {
    skip: "错过的运行不补",
    one: "错过的运行合并补一次",
    all: "错过的运行逐个补上",
  },
  overlap: {
    skip: "前一次未结束则跳过",
    queue: "前一次未结束则等待",
    allow: "允许同时运行",
  },
  queued: (count) => `${count} 个在等待前一次结束`,
  figures: (made, skipped) => `已创建 ${made} 个，跳过 ${skipped} 个`,
  last: "最近的结果，最新的在最右侧",
  nothing: "还没有结果",
  runOf: (time, status) => `${time}：${status}`,
  asked: (time, status) => `${time}，手动运行：${status}`,
  gone: "已被删除",
  skips: (time, why) => `${time} 已跳过：${why}`,
  skipsMany: (count, from, to, why) => `${from} 至 ${to} 跳过 ${count} 个：${why}`,
  atLeast: (count) => `超过 ${count}`,
  why: {
    missed: "当时没有进程在运行",
    overlap: (run) => run === null ? "前一次运行尚未结束" : `${run} 的运行尚未结束`,
    full: "等待数量已达上限",
    paused: "已暂停",
    refused: "无法创建任务",
  },
  more: "显示更多",
};

const WORDS: Record<Language, ScheduleWords> = { en, zh };

export function scheduleWords(): ScheduleWords {
  return WORDS[language.value];
}
