/** The name of who did something; `null` if unknown, or `anonymous`, which would say nothing. */
export function whoIn({ by }: { by?: string | null }): string | null {
  return by === undefined || by === "anonymous" ? null : by;
}
