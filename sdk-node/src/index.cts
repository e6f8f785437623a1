// For require(): Node hands out the same module either way, so an error is the same class in both.
import sdk = require("./index.js");

export = sdk;
