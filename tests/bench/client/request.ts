import { Samples } from "../stats.ts";
import { ownCpuSeconds, wallClock } from "./clock.ts";
import { HttpDecoder } from "./http_decoder.ts";
import type { RequestJob, RequestReport } from "./protocol.ts";
import { Sockets } from "./sockets.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const TASK_ID = /"task_id": *"([^"]+)"/;

/** One keep-alive connection. */
interface Connection {
  http: HttpDecoder;
  body: string;
  sentAt: number;
}

/**
 * Sends the same request over keep-alive connections, each of which waits for its answer before the
 * next, until all are answered.
 *
 * @throws {Error} If the server cannot be reached, hangs up, or the time is up.
 */
export function request(job: RequestJob): RequestReport {
  using sockets = new Sockets();
  const bytes = encoder.encode(
    `${job.method} ${job.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      (job.body ? `Content-Type: application/json\r\nContent-Length: ${job.body.length}\r\n` : "") +
      `\r\n${job.body}`,
  );
  const latency = new Samples();
  const statuses: Record<string, number> = {};
  const taskIds: string[] = [];
  const connections: (Connection | undefined)[] = [];
  const buffer = new Uint8Array(256 * 1024);
  let sent = 0;
  let answered = 0;

  function send(socket: number, connection: Connection): void {
    if (sent === job.count) return;
    sent++;
    connection.sentAt = performance.now();
    if (!sockets.write(socket, bytes)) throw new Error("Cannot send a request: connection lost");
  }

  function onAnswer(socket: number, connection: Connection): void {
    latency.add(performance.now() - connection.sentAt);
    answered++;
    statuses[connection.http.status] = (statuses[connection.http.status] ?? 0) + 1;
    const id = TASK_ID.exec(connection.body)?.[1];
    if (id !== undefined) taskIds.push(id);
    connection.body = "";
    send(socket, connection);
  }

  for (let i = 0; i < Math.min(job.connections, job.count); i++) {
    const socket = sockets.connect(job.port);
    if (socket === undefined) throw new Error(`Cannot connect to port ${job.port}`);
    const connection: Connection = {
      http: new HttpDecoder({
        body: (bytes, from, to) => connection.body += decoder.decode(bytes.subarray(from, to)),
        end: () => onAnswer(socket, connection),
      }),
      body: "",
      sentAt: 0,
    };
    connections[socket] = connection;
  }

  const cpu = ownCpuSeconds();
  const startedAt = wallClock();
  connections.forEach((connection, socket) => connection && send(socket, connection));
  while (answered < job.count) {
    sockets.wait(100, (socket) => {
      const length = sockets.read(socket, buffer);
      if (length === 0) throw new Error("Cannot read an answer: connection closed");
      if (length > 0) connections[socket]!.http.push(buffer, 0, length);
    });
    if (wallClock() > job.deadline) {
      throw new Error(`Cannot finish in time: ${answered} of ${job.count} requests answered`);
    }
  }
  const endedAt = wallClock();
  connections.forEach((connection, socket) => connection && sockets.close(socket));
  const cpuSeconds = ownCpuSeconds() - cpu;
  return { startedAt, endedAt, latency: latency.summary(), statuses, taskIds, cpuSeconds };
}
