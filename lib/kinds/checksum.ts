/**
 * The kind `checksum`: SHA-2 digests of an upload.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import { defineTask, progress, type TaskDefinition } from "headway";
import { readChunks } from "./read_chunks.ts";

/** The algorithms that can be computed. */
export const ALGORITHMS = ["sha-224", "sha-256", "sha-384", "sha-512"] as const;

/** A SHA-2 function, by its name in the IANA hash registry (FIPS 180-4). */
export type ChecksumAlgorithm = typeof ALGORITHMS[number];

/** What `checksum` takes. */
export interface ChecksumInput {
  /** The upload's id. */
  upload: string;
  /** Which digests to compute. @default {["sha-256"]} */
  algorithms: ChecksumAlgorithm[];
}

/** What `checksum` is submitted with: its defaults may be left out. */
export type ChecksumGiven = Omit<ChecksumInput, "algorithms"> & {
  algorithms?: ChecksumAlgorithm[] | undefined;
};

/** What `checksum` ends with. */
export interface ChecksumResult {
  /** Bytes read. */
  size: number;
  /** The digest by each algorithm, in lower-case hex. */
  digests: Partial<Record<ChecksumAlgorithm, string>>;
}

const input = z.strictObject({
  upload: z.string().min(1).describe("The upload's id"),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1).max(ALGORITHMS.length).default(["sha-256"])
    .describe("Which digests to compute"),
});

/**
 * Computes SHA-2 digests of an upload in one pass, with progress in bytes. A hash in progress
 * cannot be saved, so a restart reads the upload from its beginning.
 */
export const checksum: TaskDefinition<
  ChecksumInput,
  never,
  ChecksumResult,
  ChecksumGiven,
  "checksum"
> = defineTask({
  kind: "checksum",
  description: "SHA-2 digests of an upload",
  input,
  async *run({ input, signal, upload, uploadInfo }) {
    const report = { total: (await uploadInfo(input.upload)).size, unit: "bytes", stage: "hash" };
    const names = [...new Set(input.algorithms)];
    const hashes = names.map((name) => createHash(name.replace("-", "")));
    let done = 0;
    yield progress({ ...report, done });
    for await (const chunk of readChunks(upload(input.upload), signal)) {
      for (const hash of hashes) hash.update(chunk);
      done += chunk.length;
      yield progress({ ...report, done });
    }
    const digests: ChecksumResult["digests"] = {};
    names.forEach((name, i) => digests[name] = hashes[i]!.digest("hex"));
    return { size: done, digests };
  },
});
