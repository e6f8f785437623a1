export { runBatch, type ReencryptJob } from "./batch.js";
export { decrypt, decryptWithPassphrase, isPassphraseEncrypted } from "./decrypt.js";
export { encrypt, encryptWithPassphrase } from "./encrypt.js";
export { isArmored } from "./armor.js";
export { isBinaryAge, parseHeader, type Header, type Stanza } from "./header.js";
export { generateIdentity, parseIdentity, type Identity } from "./identity.js";
export { parseRecipient, requireUniform, type RecipientKind, type Recipient } from "./recipient.js";
export { addRecipients } from "./rewrap.js";
