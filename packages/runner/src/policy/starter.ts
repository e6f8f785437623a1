/** The policy that `policy init` writes: it allows what is allowed without one, and has examples of rules. */
export const STARTER_POLICY = `# Who may use which secrets, and how. It applies once an owner has signed it: agent-vault sign
#
# A rule applies to the secrets that it names. It allows a use if everything under \`allow\` holds, and denies it if anything under \`deny\`
# holds. A use that no rule allows is denied, and one denial outweighs every rule that allows. In names, * matches any characters
# between two slashes, and ** any number of parts. To see how a use is decided: agent-vault policy explain --secret GROUP/NAME
version: 2

rules:
  # Everyone with a key that opens a secret may use it, as without a policy. Delete this rule once your own rules allow what is needed.
  - name: everything
    secrets: "**"
    allow: all

  # - name: payments
  #   secrets: stripe/*
  #   allow:
  #     agents: [billing, owner:*]          # the key's holder
  #     repositories: github.com/acme/shop
  #     branches: [main, release/*]
  #     commands: [npm test, ./deploy.sh **] # the program and its words
  #     env: [NODE_ENV, APP_*]              # the plain variables that it may be started with
  #   deny:
  #     users: root
  #   max_ttl: 8h                           # of tokens, leases and sessions

  # - name: production asks every time
  #   secrets: "**"
  #   when:
  #     environments: production            # as set by the owner for the secret
  #   approval: always                      # never, session, once or always

  # - name: no production for services in development
  #   secrets: "**"
  #   when:
  #     environments: production
  #   deny:
  #     services: "*-dev"                   # as the caller names itself
`;
