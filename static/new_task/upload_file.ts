/**
 * Uploads files from the browser.
 *
 * @module
 */

import { ApiError, parse, refused } from "../app/api.ts";
import { at } from "../app/root.ts";

export interface Upload {
  /** Stands for the file in a task's input. */
  upload_id: string;
  /** Bytes. */
  size: number;
}

/**
 * Uploads a file. Uses `XMLHttpRequest`, since `fetch` cannot report the progress of a body.
 *
 * @param onprogress Called with the number of bytes sent.
 */
export function uploadFile(
  file: File,
  onprogress: (sent: number) => void,
  signal: AbortSignal,
): Promise<Upload> {
  const { promise, resolve, reject } = Promise.withResolvers<Upload>();
  const request = new XMLHttpRequest();
  request.open("POST", at(`/uploads?${new URLSearchParams({ name: file.name })}`));
  request.upload.onprogress = ({ loaded }) => onprogress(loaded);
  request.onload = () => {
    const body = parse(request.responseText);
    if (request.status === 201) resolve(body as Upload);
    else reject(refused(request.status, body));
  };
  request.onerror = () => reject(new ApiError(0, null));
  request.onabort = () => reject(signal.reason);
  signal.addEventListener("abort", () => request.abort());
  request.send(file);
  return promise;
}
