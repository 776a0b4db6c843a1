/**
 * Bytes of memory that a process of this machine uses (its resident set), by `/proc`.
 *
 * @throws {Deno.errors.NotFound} Where there is no such process, or no `/proc`.
 */
export async function residentBytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}
