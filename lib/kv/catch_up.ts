/**
 * Reads what clients missed, however many they are: few reads at once, since everything else waits
 * for each of them, and none while too much of what was read waits for slow readers.
 *
 * @module
 */

import { BACKLOG } from "../base/backlog.ts";
import { Semaphore } from "../base/semaphore.ts";

/** Bytes in one read, about. */
export const READ_BYTES: number = 128 * 1024;

const catchingUp = new Semaphore(4);

/** Does a read as soon as there is room for it. */
export function catchUp<T>(read: () => Promise<T>): Promise<T>;
/** The same; `undefined` if the signal aborts before its turn. */
export function catchUp<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>;
export function catchUp<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  const work = async () => {
    await BACKLOG.room(signal);
    return await read();
  };
  return signal ? catchingUp.run(work, signal) : catchingUp.run(work);
}
