/**
 * Processor time and memory of processes and all their descendants, from Linux's `/proc`.
 *
 * @module
 */

/** What some processes and their descendants have used. */
export interface TreeUsage {
  /** User and system time since their start, of ended and reaped children too. Seconds. */
  cpuSeconds: number;
  /** Resident memory, bytes. Pages that processes share are counted in each. */
  rss: number;
  /** The living processes. */
  pids: number[];
}

/** One process, from `/proc/<pid>/stat`. */
export interface ProcessStat {
  pid: number;
  parent: number;
  /** utime + stime + cutime + cstime, in ticks of 10 ms. */
  ticks: number;
}

/** Linux reports times in hundredths to user space, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

/**
 * Reads the text of `/proc/<pid>/stat` (proc(5)). A process may choose its name, which may hold
 * spaces and parentheses: the last parenthesis of the text ends it.
 */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const [, parent = 0] = fields;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + field, 0);
  return { pid: Number.parseInt(text), parent, ticks };
}

/** All of `roots` and their descendants, among `processes`. */
export function descendants(processes: readonly ProcessStat[], roots: readonly number[]): number[] {
  const found = new Set(roots.filter((root) => processes.some(({ pid }) => pid === root)));
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** What the processes `roots` and their descendants have used so far. */
export function treeUsage(roots: readonly number[]): TreeUsage {
  const processes: ProcessStat[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    if (stat !== "") processes.push(parseStat(stat));
  }
  const pids = descendants(processes, roots);
  let ticks = 0;
  let rss = 0;
  for (const pid of pids) {
    ticks += processes.find((process) => process.pid === pid)?.ticks ?? 0;
    rss += Number(/VmRSS:\s+(\d+) kB/.exec(readIfThere(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, rss, pids };
}

/**
 * Processor seconds that the whole machine has spent on anything, interrupts and stolen time included.
 * What neither the server nor the client used went to other processes, and may spoil a round.
 */
export function machineSeconds(): number {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n", 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Returns an empty text if the file is gone, since a process may end between two reads. */
function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
