/**
 * The texts of the page, in the language that the user chose or the browser asks for. Each language
 * is a file of its own, which is loaded only if it is used.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Strings } from "./en.ts";

/** A language of the page. */
interface LanguageInfo {
  /** A BCP 47 tag, for `<html lang>` and `Intl`. */
  readonly locale: string;
  /** The language's own name for itself. */
  readonly name: string;
  readonly load: () => Promise<Strings>;
}

/**
 * Every language; the first is the fallback. To add one, name it in `routes/page.ts` and in the task
 * `build:page` of deno.json, too. The element for other pages has its own texts, in
 * `client/progress/words.ts`.
 */
export const LANGUAGES = {
  en: {
    locale: "en",
    name: "English",
    load: async () => (await import("./en.ts")).en,
  },
  zh: {
    locale: "zh-CN",
    name: "中文",
    load: async () => (await import("./zh.ts")).zh,
  },
} as const satisfies Record<string, LanguageInfo>;

export type Language = keyof typeof LANGUAGES;

const KEY = "headway-language";

/** The language that the page starts with; without a browser, English. */
const first: Language = "document" in globalThis
  ? chosen() ?? bestLanguage(navigator.languages)
  : "en";

/** The language of the page. The page is redrawn when it changes. */
export const language = signal<Language>(first);

/** The texts in {@link language}. Read them at each use: a kept one stays in its language. */
export let strings: Strings = await LANGUAGES[first].load();

export let locale: string = LANGUAGES[first].locale;

/** The first of the user's languages that the page has; otherwise the fallback. */
export function bestLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [primary = ""] = tag.toLowerCase().split("-");
    if (isLanguage(primary)) return primary;
  }
  return "en";
}

/** Applies the choice of a language in other tabs. */
export function startLanguage(): void {
  // Not `StorageEvent`: a program that embeds Headway may not have the types of the DOM.
  addEventListener(
    "storage",
    (event: Event & { key?: string | null; newValue?: string | null }) => {
      const { key, newValue = null } = event;
      if (key === KEY && isLanguage(newValue)) void speak(newValue);
    },
  );
}

/** Switches to a language, and remembers it. */
export async function chooseLanguage(next: Language): Promise<void> {
  await speak(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Without storage the choice is lost with the page.
  }
}

/** Switches to a language, without remembering it. */
export async function speak(next: Language): Promise<void> {
  strings = await LANGUAGES[next].load();
  locale = LANGUAGES[next].locale;
  language.value = next;
}

function chosen(): Language | null {
  try {
    const kept = localStorage.getItem(KEY);
    return isLanguage(kept) ? kept : null;
  } catch {
    return null;
  }
}

function isLanguage(name: string | null): name is Language {
  return name !== null && Object.hasOwn(LANGUAGES, name);
}
