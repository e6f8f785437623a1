/**
 * `-o default` and `-o dirnames` let bash complete files itself, with its own quoting; bash 3.2 has no `compopt`, so there it does so
 * wherever there is nothing else to offer. Where `=` breaks words, bash takes what comes after it for the whole word.
 */
export const BASH_SCRIPT = `# Completion of agent-vault for bash: source <(agent-vault completions bash)
# In bash 3.2, as on macOS: eval "$(agent-vault completions bash)"
_agent_vault() {
  local IFS=$'\\n' program=\${COMP_WORDS[0]} word
  case $program in '~/'*) program=\${HOME-}/\${program:2} ;; esac
  type -P -- "$program" >/dev/null || program=agent-vault
  COMPREPLY=()
  case \${COMP_WORDS[COMP_CWORD-1]} in '<'* | '>'* | '&>'*) compopt -o default 2>/dev/null; return ;; esac
  for word in $("$program" completions bash --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null); do
    case $word in
      :files) compopt -o default 2>/dev/null ;;
      :folders) compopt -o dirnames 2>/dev/null ;;
      --*=*) case $COMP_WORDBREAKS in *=*) word=\${word#*=} ;; esac; COMPREPLY+=("$word") ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done
}
if type compopt >/dev/null 2>&1; then
  complete -F _agent_vault agent-vault
else
  complete -o default -F _agent_vault agent-vault
fi
`;
