import axe from "axe-core";
import type { Page } from "puppeteer-core";

/** WCAG 2.2 A and AA, and what axe takes for good practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong with what is shown, readable. */
export async function violations(page: Page, view: string): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { runOnly: rules });
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n${failureSummary}`),
    }));
  }, RULES);
  return found.map(({ id, nodes }) => `${view}: ${id}\n${nodes.join("\n")}`);
}
