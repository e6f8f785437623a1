import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What becomes of a connection at the cut: it is closed, or nothing comes through it any more. */
export type Cut = "closes" | "stalls";

/** A proxy in front of a server, which cuts whatever goes through it after so many bytes in both directions. */
export class CuttingProxy {
  readonly port: number;
  /** The bytes that went through since it was last armed. */
  passed = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #limit = Infinity;
  #cut: Cut = "closes";

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#join(client, connect(target, "127.0.0.1")));
  }

  static async to(target: number): Promise<CuttingProxy> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new CuttingProxy(server, target);
  }

  /** Cuts from now on, all connections together; lets everything through unless a limit is given. */
  arm(limit = Infinity, cut: Cut = "closes"): void {
    for (const socket of this.#sockets) socket.destroy();
    [this.passed, this.#limit, this.#cut] = [0, limit, cut];
  }

  close(): void {
    this.arm();
    this.#server.close();
  }

  #join(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    for (const [from, to] of [pair, [server, client]] as const) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        if (this.#cut === "closes" || this.passed < this.#limit) to.end();
      });
      from.on("data", (bytes: Buffer) => {
        const left = Math.max(0, this.#limit - this.passed);
        this.passed += Math.min(left, bytes.length);
        if (left > 0) to.write(bytes.subarray(0, left));
        if (bytes.length > left && this.#cut === "closes") for (const socket of pair) socket.destroySoon();
      });
    }
    if (this.#limit === 0 && this.#cut === "closes") for (const socket of pair) socket.destroy();
  }
}
