export { serve, type ServeOptions } from "./serve.js";
export { CLIENTS, parseClient, type ClientName } from "./install/clients.js";
export { installIn, uninstallFrom, type Installation, type InstallRequest } from "./install/install.js";
