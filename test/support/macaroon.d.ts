declare module "macaroon" {
  /** What the package of that name says of the macaroons that we use it to judge. */
  export interface Macaroon {
    readonly identifier: Uint8Array;
    readonly location: string | null;
    readonly signature: Uint8Array;
    readonly caveats: readonly { readonly identifier: Uint8Array }[];
    addFirstPartyCaveat(caveat: string): void;
    addThirdPartyCaveat(rootKey: Uint8Array, caveat: Uint8Array, location: string): void;
    exportBinary(): Uint8Array;
    /** @throws where it does not verify; `check` returns null for a caveat that holds */
    verify(rootKey: Uint8Array, check: (caveat: string) => string | null, discharges: readonly Macaroon[]): void;
  }
  export function newMacaroon(parts: { identifier: string; location: string; rootKey: Uint8Array; version: 2 }): Macaroon;
  export function importMacaroon(bytes: Uint8Array): Macaroon;
}
