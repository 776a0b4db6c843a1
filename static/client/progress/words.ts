/** The texts of the element. Those that contain a value are functions of it. */
export const en = {
  status: {
    pending: "Waiting",
    running: "Running",
    waiting: "Paused",
    completed: "Completed",
    failed: "Failed",
    canceled: "Canceled",
  },
  loading: "Loading…",
  canceling: "Canceling…",
  reconnecting: "Reconnecting…",
  unavailable: "Not available",
  progressOf: (label: string) => `Progress of ${label}`,
  left: (time: string) => `${time} left`,
  almostDone: "almost done",
  took: (time: string) => `took ${time}`,
  startsAt: (time: string) => `starts at ${time}`,
  goesOnAt: (time: string) => `resumes at ${time}`,
  retryAt: (time: string) => `next attempt at ${time}`,
  announce: (...said: string[]) => said.join(", "),
};

/** The texts in simplified Chinese. */
const zh: typeof en = {
  status: {
    pending: "等待中",
    running: "运行中",
    waiting: "已暂停",
    completed: "已完成",
    failed: "失败",
    canceled: "已取消",
  },
  loading: "加载中…",
  canceling: "正在取消…",
  reconnecting: "正在重新连接…",
  unavailable: "无法显示",
  progressOf: (label: string) => `${label} 的进度`,
  left: (time: string) => `剩余 ${time}`,
  almostDone: "即将完成",
  took: (time: string) => `用时 ${time}`,
  startsAt: (time: string) => `${time} 开始`,
  goesOnAt: (time: string) => `${time} 继续`,
  retryAt: (time: string) => `${time} 重试`,
  announce: (...said: string[]) => said.join("，"),
};

/** The words for a language tag, and the locale of the numbers beside them. */
export function wordsOf(language: string): { words: typeof en; locale: string } {
  const tag = canonical(language);
  if (/^zh\b/.test(tag)) return { words: zh, locale: tag };
  return { words: en, locale: /^en\b/.test(tag) ? tag : "en" };
}

/** The canonical form of a page's language tag, which may be any text; `en` if it is not valid. */
function canonical(language: string): string {
  try {
    return Intl.getCanonicalLocales(language)[0] ?? "en";
  } catch {
    return "en";
  }
}
