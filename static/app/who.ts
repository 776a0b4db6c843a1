/** Who did something, by name: where everybody is anonymous, that tells nothing. */
export function whoIn({ by }: { by?: string | null }): string | null {
  return by === undefined || by === "anonymous" ? null : by;
}
