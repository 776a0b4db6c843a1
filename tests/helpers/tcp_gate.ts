/** A TCP proxy that can cut its connections as a broken network does: by silence, without a reset. */
export interface TcpGate extends AsyncDisposable {
  /** The port to connect to instead of the target's. */
  readonly port: number;
  /** From now on nothing passes either way, and neither side is told. */
  cut(): void;
  /** Resets the connections that were cut, as a peer that lost them does; new connections pass. */
  heal(): void;
  /** New connections go to this port from now on. */
  lead(target: number): void;
}

/** Opens a proxy to a port of this machine. */
export function openTcpGate(target: number): TcpGate {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const pairs = new Set<[Deno.TcpConn, Deno.TcpConn]>();
  let silent = false;
  const pumps = new Set<Promise<void>>();
  const own = (work: Promise<void>) => {
    pumps.add(work);
    void work.finally(() => pumps.delete(work));
  };

  async function pump(from: Deno.TcpConn, to: Deno.TcpConn, close: () => void): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (true) {
        const count = await from.read(buffer);
        if (count === null) break;
        // Bytes that arrive while it is cut are lost: TCP would send them again, a dead peer would not.
        if (silent) continue;
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
    } catch {
      // One side closed the connection.
    }
    if (!silent) close();
  }

  own((async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: target }).catch(() => null);
      if (server === null) {
        client.close();
        continue;
      }
      const pair: [Deno.TcpConn, Deno.TcpConn] = [client, server];
      pairs.add(pair);
      const close = () => closePair(pair);
      own(pump(client, server, close));
      own(pump(server, client, close));
    }
  })());

  function closePair(pair: [Deno.TcpConn, Deno.TcpConn]): void {
    if (!pairs.delete(pair)) return;
    for (const side of pair) side.close();
  }

  return {
    port: listener.addr.port,
    cut: () => void (silent = true),
    heal() {
      for (const pair of [...pairs]) closePair(pair);
      silent = false;
    },
    lead: (to) => void (target = to),
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const pair of [...pairs]) closePair(pair);
      await Promise.all(pumps);
    },
  };
}
