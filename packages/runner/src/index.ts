export type { Holder, RequestedSecret, UseRequest } from "./use-request.js";
