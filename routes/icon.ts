import { HttpError } from "../lib/http/errors.ts";
import { queryNumber } from "../lib/http/http.ts";
import { type Status, STATUSES } from "../lib/task/record.ts";
import type { App, RouteContext } from "./app.ts";

/** The color of a finished task's icon, and the path of the sign on it. */
const ENDS: Readonly<Record<string, readonly [color: string, sign: string]>> = {
  completed: ["#14804f", "m9.5 16.5 4.5 4.5 8.5-9.5"],
  failed: ["#c4312f", "M16 8.5v9M16 22.8v.2"],
  canceled: ["#667085", "M10 16h12"],
};

/**
 * `GET /icon.svg?status=running&progress=40`: the sign of a tab that shows such a task, a ring that
 * fills. From the server, since the page's policy lets no image be made of a text.
 */
export function getIcon(_app: App, { url }: RouteContext): Response {
  const status = url.searchParams.get("status") ?? "";
  const progress = queryNumber(url, "progress", { fallback: 0, min: 0, max: 100 });
  if (!STATUSES.includes(status as Status)) {
    throw new HttpError(400, `'status' must be one of ${STATUSES.join(", ")}`, { field: "status" });
  }
  return new Response(iconOf(status, progress), {
    headers: {
      "content-type": "image/svg+xml",
      "cache-control": "public, max-age=86400, immutable",
      "content-security-policy": "default-src 'none'",
    },
  });
}

function iconOf(status: string, progress: number): string {
  const end = ENDS[status];
  const ring = (color: string, more = "") =>
    `<circle cx="16" cy="16" r="12" fill="none" stroke="${color}" stroke-width="7"${more}/>`;
  const [color, sign] = end ?? [];
  const shapes = end
    ? `<circle cx="16" cy="16" r="15.5" fill="${color}"/>` +
      `<path d="${sign}" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/>`
    : ring("#aab4cc") + (status === "running"
      ? ring(
        "#4f6bff",
        ` pathLength="100" stroke-dasharray="${progress} 100" transform="rotate(-90 16 16)"`,
      )
      : "");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${shapes}</svg>`;
}
