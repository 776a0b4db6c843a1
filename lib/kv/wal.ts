/**
 * SQLite's write-ahead log of a database (`-wal`), as a process left it. SQLite takes from it what
 * is intact and silently ignores the rest, though that was committed: this tells if there is any.
 *
 * Each frame holds a page, and a checksum over all frames up to it. A frame that tells the size of
 * the database ends a commit. A commit waits for the disk before the next one begins, so a machine
 * that went down can have left one commit in part, at the end; what lies after a second one was
 * damaged later.
 *
 * @module
 */

const HEADER = 32;
const FRAME_HEADER = 24;

/** Bytes read at once, about. */
const BLOCK = 1024 * 1024;

/** Commits that may be incomplete after the machine went down. */
const UNFINISHED = 1;

/**
 * Checks a log that nobody uses.
 *
 * @returns What is wrong with it; `null` if nothing is, or if there is no log.
 */
export async function walDamage(path: string): Promise<string | null> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  using _file = file;
  const header = new Uint8Array(HEADER);
  // A header alone, or part of it, is a log that nothing was written into.
  if (await fill(file, header) < HEADER) return null;
  const log = readHeader(header);
  if (log === null) return (await file.stat()).size > HEADER ? "its header is damaged" : null;
  return await readFrames(file, log);
}

/** What the header says, and the checksum so far. */
interface Log {
  littleEndian: boolean;
  pageSize: number;
  salts: readonly [number, number];
  sums: [number, number];
}

function readHeader(bytes: Uint8Array): Log | null {
  const view = viewOf(bytes);
  const magic = view.getUint32(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return null;
  const littleEndian = magic === 0x377f0682;
  const sums = sum(view, 0, 24, [0, 0], littleEndian);
  if (sums[0] !== view.getUint32(24) || sums[1] !== view.getUint32(28)) return null;
  const salts = [view.getUint32(16), view.getUint32(20)] as const;
  return { littleEndian, pageSize: view.getUint32(8), salts, sums };
}

async function readFrames(file: Deno.FsFile, log: Log): Promise<string | null> {
  const size = FRAME_HEADER + log.pageSize;
  const block = new Uint8Array(Math.max(1, Math.floor(BLOCK / size)) * size);
  let { sums } = log;
  let frame = 0;
  let broken: number | null = null;
  let commitsBehind = 0;
  while (true) {
    const read = await fill(file, block);
    for (let at = 0; at + size <= read; at += size) {
      frame++;
      const view = viewOf(block.subarray(at, at + size));
      // A frame with other salts is from an earlier use of the log.
      const own = view.getUint32(8) === log.salts[0] && view.getUint32(12) === log.salts[1];
      if (broken === null) {
        sums = sum(view, 0, 8, sums, log.littleEndian);
        sums = sum(view, FRAME_HEADER, size, sums, log.littleEndian);
        const right = own && sums[0] === view.getUint32(16) && sums[1] === view.getUint32(20);
        if (!right) broken = frame;
      }
      if (broken !== null && own && view.getUint32(4) !== 0) commitsBehind++;
      if (commitsBehind > UNFINISHED) return `its frame ${broken} is damaged`;
    }
    if (read < block.length) return null;
  }
}

/** SQLite's checksum, over whole pairs of words. */
function sum(
  view: DataView,
  from: number,
  to: number,
  [first, second]: readonly [number, number],
  littleEndian: boolean,
): [number, number] {
  for (let at = from; at < to; at += 8) {
    first = (first + view.getUint32(at, littleEndian) + second) >>> 0;
    second = (second + view.getUint32(at + 4, littleEndian) + first) >>> 0;
  }
  return [first, second];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads until a buffer is full, or the file ends. */
async function fill(file: Deno.FsFile, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const read = await file.read(buffer.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return filled;
}
