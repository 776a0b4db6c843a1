import axeCore from "axe-core";
import type { Page } from "puppeteer-core";

/** WCAG 2.2 A and AA, and axe's rules of good practice. */
const ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Runs axe on what the page shows, and returns each violation as a text to read.
 *
 * @param rules Tags or ids of axe's rules. @default {all of WCAG 2.2 A and AA, and good practice}
 */
export async function violations(page: Page, view: string, rules = ALL): Promise<string[]> {
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(axeCore.source);
  const found = await page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as { axe: typeof axeCore };
    // Reporting the rules that pass would take most of the time.
    const options = { runOnly, resultTypes: ["violations" as const], preload: false };
    const { violations } = await axe.run(document, options);
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n${failureSummary}`),
    }));
  }, rules);
  return found.map(({ id, nodes }) => `${view}: ${id}\n${nodes.join("\n")}`);
}
