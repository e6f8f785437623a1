export type { RequestedSecret, UseRequest } from "./use-request.js";
