export { serve, type ServeOptions } from "./server/serve.js";
