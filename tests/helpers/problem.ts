import { assertEquals, assertNotMatch } from "@std/assert";
import { STATUS_TEXT, type StatusCode } from "@std/http";

export interface Problem {
  error: string;
  /** The part of the request that is wrong. */
  field?: string;
  [member: string]: unknown;
}

/** Asserts that a response is a problem with this status, in the shape of every error [RFC 9457]. */
export async function assertProblem(response: Response, status: number): Promise<Problem> {
  const text = await response.text();
  assertEquals([response.status, text.slice(0, 1)], [status, "{"], text);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  assertEquals(response.headers.get("cache-control"), "no-store");
  const problem = JSON.parse(text);
  assertEquals([problem.type, problem.title, problem.status], [
    "about:blank",
    STATUS_TEXT[status as StatusCode],
    status,
  ]);
  assertEquals([typeof problem.detail, problem.error], ["string", problem.detail]);
  // No stack or path may leak.
  assertNotMatch(text, /\.ts:|file:\/\/|at async|\\n {4}at/);
  return problem;
}
