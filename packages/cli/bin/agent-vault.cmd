@rem cmd cannot put a mark before each word, so Node gets them after "--", between two that name a configuration of nothing: Node 22 and 24 read the first or the last.
@node -- "%~dp0agent-vault.js" :framed "--experimental-config-file=%~dp0no-config.json" %* "--experimental-config-file=%~dp0no-config.json"
