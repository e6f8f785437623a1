import { durationOf, suggestion, type VaultError } from "@agent-vault/vault/read-only";

/** Makes the error for the value, or for the name, of the field at a path of a file. */
export type FieldError = (path: readonly PropertyKey[], of: "value" | "name", problem: string, hint: string) => VaultError;

/** A field of a configuration file. Its reader says what it expects; anything else is an error that names the field and its place. */
export class ConfigField {
  readonly #value: unknown;
  readonly #path: readonly PropertyKey[];
  readonly #fieldError: FieldError;

  constructor(value: unknown, fieldError: FieldError, path: readonly PropertyKey[] = []) {
    this.#value = value;
    this.#path = path;
    this.#fieldError = fieldError;
  }

  /** @param problem a clause that follows the field's name, without a full stop */
  error(problem: string, hint = ""): VaultError {
    return this.#fieldError(this.#path, "value", problem, hint);
  }

  /** As {@link error}, for the field's name. */
  nameError(problem: string, hint = ""): VaultError {
    return this.#fieldError(this.#path, "name", problem, hint);
  }

  get value(): unknown {
    return this.#value;
  }

  /** The fields of a mapping, all of which are known ones. */
  table<Name extends string>(known: readonly Name[]): { readonly [name in Name]?: ConfigField } {
    const entries = this.entries();
    for (const [name, field] of entries) {
      if (!known.includes(name as Name)) throw field.nameError("is not a known field", suggestion(name, known) || listed(known));
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
    if (fields.length === 0) throw this.error("is an empty list, which matches nothing");
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
    throw this.error(`is not one of: ${choices.join(", ")}`, suggestion(String(this.#value), choices));
  }

  /** A duration, in milliseconds. */
  duration(): number {
    const duration = typeof this.#value === "string" ? durationOf(this.#value) : undefined;
    if (duration === undefined || duration === 0) throw this.error("is not a duration", "Write it as 15m, 8h or 30d. ");
    return duration;
  }

  #inner(name: PropertyKey, value: unknown): ConfigField {
    return new ConfigField(value, this.#fieldError, [...this.#path, name]);
  }
}

function listed(names: readonly string[]): string {
  return `The known fields are: ${names.join(", ")}. `;
}
