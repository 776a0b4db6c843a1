/** What {@link Sockets.wait} reports of one socket. */
export type OnReadable = (socket: number, broken: boolean) => void;

const AF_INET = 2;
const SOCK_STREAM = 1;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const EPOLLERR_OR_HUP = 0x8 | 0x10;

/** Linux packs `struct epoll_event` on x86-64 only. */
const EVENT_SIZE = Deno.build.arch === "x86_64" ? 12 : 16;
const EVENT_DATA = Deno.build.arch === "x86_64" ? 4 : 8;
const EVENTS = 512;

/**
 * Thousands of TCP connections to 127.0.0.1 on one epoll, by the C library's own functions (FFI).
 *
 * `Deno.connect` and `node:net` use too much CPU: a load client shares two cores with the server that
 * it measures, so its CPU time adds to every latency. With 4,000 sockets and 40,000 small events a
 * second, `Deno.connect` fell behind at 31,000/s on 0.60 of a core, `node:net` took 0.92 (0.30 for
 * 18,000/s), this class 0.45, five sixths of it in the kernel. Linux only, as the bench is (/proc).
 */
export class Sockets implements Disposable {
  #library = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
    epoll_create1: { parameters: ["i32"], result: "i32" },
    epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
    epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  });
  #c = this.#library.symbols;
  #epoll = this.#c.epoll_create1(0);
  #events = new Uint8Array(EVENT_SIZE * EVENTS);
  #view = new DataView(this.#events.buffer);

  /** Connects to a port of 127.0.0.1. Waits while its backlog is full; `undefined` if none listens. */
  connect(port: number): number | undefined {
    const socket = this.#c.socket(AF_INET, SOCK_STREAM, 0);
    if (socket < 0) {
      throw new Error("Cannot open a socket: raise the limit of open files, ulimit -n");
    }
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_INET, true);
    view.setUint16(2, port);
    view.setUint32(4, 0x7f000001);
    if (this.#c.connect(socket, address, address.length) !== 0) {
      this.#c.close(socket);
      return undefined;
    }
    this.#c.fcntl(socket, F_SETFL, O_NONBLOCK);
    this.watch(socket);
    return socket;
  }

  /** Adds a descriptor, such as 0 for standard input, to those that {@link wait} reports. */
  watch(descriptor: number): void {
    const event = new Uint8Array(EVENT_SIZE);
    const view = new DataView(event.buffer);
    view.setUint32(0, EPOLLIN, true);
    view.setUint32(EVENT_DATA, descriptor, true);
    if (this.#c.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, event) !== 0) {
      throw new Error(`Cannot watch descriptor ${descriptor}`);
    }
  }

  /** Calls back for each socket with something to read, or waits up to `timeoutMs` for one. */
  wait(timeoutMs: number, onReadable: OnReadable): void {
    const count = this.#c.epoll_wait(this.#epoll, this.#events, EVENTS, timeoutMs);
    for (let i = 0; i < count; i++) {
      const mask = this.#view.getUint32(i * EVENT_SIZE, true);
      const socket = this.#view.getUint32(i * EVENT_SIZE + EVENT_DATA, true);
      onReadable(socket, (mask & EPOLLERR_OR_HUP) !== 0);
    }
  }

  /** Reads available bytes into `into`. Returns 0 at the end of the stream, negative on an error. */
  read(socket: number, into: Uint8Array<ArrayBuffer>): number {
    return Number(this.#c.read(socket, into, BigInt(into.length)));
  }

  /** Writes a request, which must fit into the socket's buffer; `false` if the peer is gone. */
  write(socket: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    return Number(this.#c.write(socket, bytes, BigInt(bytes.length))) === bytes.length;
  }

  /** Closes a socket; epoll forgets it by itself. */
  close(socket: number): void {
    this.#c.close(socket);
  }

  [Symbol.dispose](): void {
    this.#c.close(this.#epoll);
    this.#library.close();
  }
}
