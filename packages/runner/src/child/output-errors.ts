import type { Writable } from "node:stream";

/** The errors of streams, which go to a listener of ours for a while. */
export interface OutputErrors {
  /** Sets the listener. */
  listen(listener: (to: Writable, error: Error) => void): void;
  release(): void;
}

/** Takes the errors of streams from their listeners until the child has ended: a reader that is gone ends the child's stream, and not us. */
export function takeOverErrors(streams: readonly Writable[]): OutputErrors {
  let notify: (to: Writable, error: Error) => void = () => {};
  const taken = [...new Set(streams)].map((to) => {
    const others = to.listeners("error") as ((error: Error) => void)[];
    const listener = (error: Error) => notify(to, error);
    to.removeAllListeners("error").on("error", listener);
    return { to, others, listener };
  });
  return {
    listen: (next) => {
      notify = next;
    },
    release: () => {
      for (const { to, others, listener } of taken) {
        to.off("error", listener);
        for (const other of others) to.on("error", other);
      }
    },
  };
}
