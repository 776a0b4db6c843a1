/**
 * The words of the page, in the language that the browser asks for or the person has chosen.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { en, type Strings } from "./strings/en.ts";
import { zh } from "./strings/zh.ts";

/** A language of the page: its name in itself, and what it says. */
interface LanguageInfo {
  /** BCP 47: for `<html lang>` and `Intl`. */
  readonly locale: string;
  /** Its name, for those who speak it. */
  readonly name: string;
  /** The words. */
  readonly strings: Strings;
}

/** Every language, the one for everybody else first. */
export const LANGUAGES = {
  en: { locale: "en", name: "English", strings: en },
  zh: { locale: "zh-CN", name: "中文", strings: zh },
} as const satisfies Record<string, LanguageInfo>;

/** See {@link LANGUAGES}. */
export type Language = keyof typeof LANGUAGES;

/** Where the choice is kept. */
const KEY = "headway-language";

/** The language of the page. The page is drawn anew when it changes. */
export const language = signal<Language>("en");

/** The words in {@link language}. Whoever keeps one of them keeps it in that language. */
export let strings: Strings = en;

/** The language's name for `Intl`. */
export let locale: string = LANGUAGES.en.locale;

/** The first of a person's languages that the page speaks. */
export function bestLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [primary = ""] = tag.toLowerCase().split("-");
    if (isLanguage(primary)) return primary;
  }
  return "en";
}

/** Speaks the language that was chosen here before, else the browser's; follows other tabs. */
export function startLanguage(): void {
  speak(chosen() ?? bestLanguage(navigator.languages));
  addEventListener("storage", ({ key, newValue }) => {
    if (key === KEY && isLanguage(newValue)) speak(newValue);
  });
}

/** Speaks another language from now on. */
export function chooseLanguage(next: Language): void {
  speak(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing asks again the next time.
  }
}

/** Speaks a language, and keeps no memory of it. */
export function speak(next: Language): void {
  ({ strings, locale } = LANGUAGES[next]);
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
