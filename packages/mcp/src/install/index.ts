/** What tells a client how to start the server, without the server. */
export { CLIENTS, parseClient, type ClientName } from "./clients.js";
export { installIn, uninstallFrom, type Installation, type InstallRequest } from "./install.js";
