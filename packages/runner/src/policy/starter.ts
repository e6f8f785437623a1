/** A policy to begin with: it allows what was allowed without one, and shows what else can be said. */
export const STARTER_POLICY = `# Who may use which secrets, and how. It counts once an owner has signed it: agent-vault sign
#
# A rule is about the secrets that it names. It allows a use when everything under \`allow\` holds, and denies it when anything under
# \`deny\` does. What no rule allows is denied, and a denial beats every rule that allows. In names, * matches any characters between
# two slashes and ** for any number of parts. See what a policy says with: agent-vault policy explain --secret GROUP/NAME
version: 1

rules:
  # Everyone with a key that opens a secret may use it, as without a policy. Take this rule out once those below say what you want.
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
  #   deny:
  #     users: root
  #   max_ttl: 8h                           # of tokens, leases and sessions

  # - name: production asks every time
  #   secrets: "**"
  #   when:
  #     environments: production            # as the owner has set it for the secret
  #   approval: always                      # never, session, once or always

  # - name: no production for services in development
  #   secrets: "**"
  #   when:
  #     environments: production
  #   deny:
  #     services: "*-dev"                   # what the caller says it is
`;
