// What one would write without agent-vault: a shell loop that decrypts each file and encrypts it to another list of recipients.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SCRIPT = `#!/bin/sh
set -eu
while read -r file; do
  age -d -i "$1" "$file" | age -R "$2" -o "$file.new"
  mv "$file.new" "$file"
done <"$3"
`;

/** Copies of a vault's secrets that the loop works on. It changes no metadata and no manifest, and it commits nothing. */
export class AgeLoop {
  #machine;
  #all;
  #folder;

  /** @param files relative to the repository */
  constructor(machine, files, { sample }) {
    this.#machine = machine;
    this.#all = files.length;
    this.#folder = join(machine.root, "age-loop");
    const step = Math.max(1, files.length / sample);
    this.files = Array.from({ length: Math.min(sample, files.length) }, (_, index) => files[Math.floor(index * step)]);
    for (const file of this.files) {
      mkdirSync(dirname(join(this.#folder, file)), { recursive: true });
      cpSync(join(machine.repository, file), join(this.#folder, file));
    }
    writeFileSync(this.#path("loop.sh"), SCRIPT);
    writeFileSync(this.#path("files"), this.files.map((file) => `${this.#path(file)}\n`).join(""));
  }

  get name() {
    return this.files.length === this.#all ? "age loop" : `age loop, scaled from ${this.files.length} files`;
  }

  /** Gives all files new recipients. @returns milliseconds, scaled to all files of the vault */
  reencrypt(recipients) {
    writeFileSync(this.#path("recipients"), recipients.map((recipient) => `${recipient}\n`).join(""));
    const time = this.#machine.run("sh", this.#path("loop.sh"), this.#machine.ownerKey, this.#path("recipients"), this.#path("files"));
    return (time * this.#all) / this.files.length;
  }

  #path(file) {
    return join(this.#folder, file);
  }
}
