import { durationOf, suggestion, type VaultError } from "@agent-vault/vault/read-only";

/** Says what is wrong with the value, or with the name, of what stands at a path of a file. */
export type Complaint = (path: readonly PropertyKey[], of: "value" | "name", problem: string, hint: string) => VaultError;

/** A value of a configuration file and where it stands there. What reads it says what it expects, and what is not so is an error with its place. */
export class ConfigField {
  readonly #value: unknown;
  readonly #path: readonly PropertyKey[];
  readonly #complaint: Complaint;

  constructor(value: unknown, complaint: Complaint, path: readonly PropertyKey[] = []) {
    this.#value = value;
    this.#path = path;
    this.#complaint = complaint;
  }

  /** @param problem a clause that follows the field's name, without a full stop */
  error(problem: string, hint = ""): VaultError {
    return this.#complaint(this.#path, "value", problem, hint);
  }

  /** As {@link error}, for the field's name. */
  nameError(problem: string, hint = ""): VaultError {
    return this.#complaint(this.#path, "name", problem, hint);
  }

  get value(): unknown {
    return this.#value;
  }

  /** The fields of a mapping, all of which are known ones. */
  table<Name extends string>(known: readonly Name[]): { readonly [name in Name]?: ConfigField } {
    const entries = this.entries();
    for (const [name, field] of entries) {
      if (!known.includes(name as Name)) throw field.nameError("is not a field that stands here", suggestion(name, known) || listed(known));
    }
    return Object.fromEntries(entries) as { [name in Name]?: ConfigField };
  }

  /** The fields of a mapping, whatever their names. */
  entries(): [name: string, field: ConfigField][] {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.error("has to be a mapping of names to values");
    return Object.entries(value).map(([name, inner]) => [name, this.#inner(name, inner)]);
  }

  list(): ConfigField[] {
    if (!Array.isArray(this.#value)) throw this.error("has to be a list");
    return this.#value.map((inner, index) => this.#inner(index, inner));
  }

  /** One text or a list of at least one. */
  texts(): ConfigField[] {
    const fields = Array.isArray(this.#value) ? this.list() : [this];
    if (fields.length === 0) throw this.error("is an empty list, which would fit nothing");
    for (const field of fields) field.text();
    return fields;
  }

  text(): string {
    if (typeof this.#value !== "string") throw this.error("has to be text", "Put it in quotes. ");
    if (this.#value === "") throw this.error("is empty");
    return this.#value;
  }

  oneOf<Choice extends string>(choices: readonly Choice[]): Choice {
    const choice = choices.find((one) => one === this.#value);
    if (choice !== undefined) return choice;
    throw this.error("is none of the words that can stand here", suggestion(String(this.#value), choices) || listed(choices));
  }

  /** A span of time, in milliseconds. */
  duration(): number {
    const duration = typeof this.#value === "string" ? durationOf(this.#value) : undefined;
    if (duration === undefined || duration === 0) throw this.error("is not a span of time", "Write one as 15m, 8h or 30d. ");
    return duration;
  }

  #inner(name: PropertyKey, value: unknown): ConfigField {
    return new ConfigField(value, this.#complaint, [...this.#path, name]);
  }
}

function listed(names: readonly string[]): string {
  return `There is ${names.slice(0, -1).join(", ")}${names.length > 1 ? " and " : ""}${names.at(-1)}. `;
}
