import { assert, assertEquals } from "@std/assert";
import { ago, amount, duration, percent, rate, tookTime } from "../../../static/i18n/format.ts";
import { bestLanguage, type Language, speak } from "../../../static/i18n/strings.ts";
import { en } from "../../../static/i18n/en.ts";
import { zh } from "../../../static/i18n/zh.ts";

/** Every text by its path. The text of a function contains its arguments. */
function words(value: unknown, path = ""): Map<string, string> {
  if (typeof value === "string") return new Map([[path, value]]);
  if (typeof value === "function") {
    return new Map([[path, String(value("‹1›", "‹2›", "‹3›", "‹4›"))]]);
  }
  return new Map(
    Object.entries(value as object).flatMap(([name, inner]) => [
      ...words(inner, path === "" ? name : `${path}.${name}`),
    ]),
  );
}

Deno.test("the Chinese texts are complete, and contain the same values as the English ones", () => {
  const said = words(zh);
  const values = (text: string) => [...new Set(text.match(/‹\d›/g))].sort();
  for (const [path, english] of words(en)) {
    const text = said.get(path);
    assert(text !== undefined, `${path} is missing`);
    assertEquals(values(text), values(english), path);
    assertEquals(english === "", text === "", path);
  }
});

Deno.test("every Chinese text is translated, and has Chinese punctuation", () => {
  const english = words(en);
  for (const [path, text] of words(zh)) {
    // The product and the keys have the same names in both languages. Other texts are compared only
    // if they contain two Latin letters in a row.
    const word = path !== "product" && !/^(list\.(help|pick)Keys|taskKeys)\.\d\.[01]$/.test(path) &&
      /[a-z]{2}/i.test(text);
    if (word) assert(text !== english.get(path), `${path} is still English: ${text}`);
    assert(!/\p{Script=Han}[,;:?!(]|[,;:?!)]\p{Script=Han}/u.test(text), `${path}: ${text}`);
  }
});

Deno.test("bestLanguage() takes the first language that the page has, otherwise English", () => {
  const cases: [string[], Language][] = [
    [["zh-CN", "en"], "zh"],
    [["zh-Hans-SG"], "zh"],
    [["fr-FR", "zh", "en"], "zh"],
    [["EN-us", "zh"], "en"],
    [["de", "constructor"], "en"],
    [[], "en"],
  ];
  for (const [wanted, best] of cases) assertEquals(bestLanguage(wanted), best, wanted.join());
});

Deno.test("duration(), percent(), amount() and rate() follow the language of the page", async () => {
  await speak("zh");
  try {
    assertEquals(
      [duration(80_000), duration(0), tookTime(320), tookTime(4210), ago(12_000), percent(42)],
      ["1分钟20秒", "0秒", "320ms", "4.2秒", "12秒前", "42%"],
    );
    assertEquals(amount(7, 10, "steps"), "7 / 10 步");
    assertEquals(amount(7, 10, "constructor"), "7 / 10 constructor");
    assertEquals(rate(12_345.6, "rows", true), "12,346 行/秒");
  } finally {
    await speak("en");
  }
  assertEquals(duration(80_000), "1m 20s");
});
