/**
 * The words of the page, in the language that the browser asks for or the person has chosen. Each
 * language is a file of its own, and only the one that is spoken is loaded.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Strings } from "./en.ts";

/** A language of the page. */
interface LanguageInfo {
  /** BCP 47: for `<html lang>` and `Intl`. */
  readonly locale: string;
  /** Its name, for those who speak it. */
  readonly name: string;
  readonly load: () => Promise<Strings>;
}

/**
 * Every language, the one for everybody else first. A further one is served once `routes/page.ts` and
 * the task `build:page` in deno.json name it, too; the element for other pages has words of its own,
 * in `client/progress/words.ts`.
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

/** What a browser begins with; without one, English. */
const first: Language = "document" in globalThis
  ? chosen() ?? bestLanguage(navigator.languages)
  : "en";

/** The language of the page. The page is redrawn when it changes. */
export const language = signal<Language>(first);

/** The words in {@link language}. Whoever keeps one of them keeps it in that language. */
export let strings: Strings = await LANGUAGES[first].load();

export let locale: string = LANGUAGES[first].locale;

/** The first of a person's languages that the page speaks. */
export function bestLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [primary = ""] = tag.toLowerCase().split("-");
    if (isLanguage(primary)) return primary;
  }
  return "en";
}

/** Follows what is chosen in other tabs. */
export function startLanguage(): void {
  // Typed as far as it is used: whoever embeds Headway may not have the types of the DOM.
  addEventListener(
    "storage",
    (event: Event & { key?: string | null; newValue?: string | null }) => {
      const { key, newValue = null } = event;
      if (key === KEY && isLanguage(newValue)) void speak(newValue);
    },
  );
}

/** Speaks another language from now on. */
export async function chooseLanguage(next: Language): Promise<void> {
  await speak(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing asks again the next time.
  }
}

/** Speaks a language, and keeps no memory of it. */
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
