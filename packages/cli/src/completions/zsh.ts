/** Sourced, it registers its function; as a file on the fpath, zsh runs it as the function itself when it is first needed. */
export const ZSH_SCRIPT = `#compdef agent-vault
# Completion of agent-vault for zsh: source <(agent-vault completions zsh) after compinit, or this as a file _agent-vault on the fpath
_agent-vault() {
  local program=\${(Q)words[1]} line
  local -a candidates
  program=\${program/#\\~\\//$HOME/}
  whence -p -- $program >/dev/null || program=agent-vault
  for line in \${(f)"$($program completions zsh --words $((CURRENT - 2)) -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)"}; do
    case $line in
      (:files) compset -P '--[a-z-]#='; _files; return ;;
      (:folders) compset -P '--[a-z-]#='; _files -/; return ;;
      (*) candidates+=("\${line/$'\\t'/:}") ;;
    esac
  done
  _describe -V 'agent-vault' candidates
}
if [[ \${funcstack[1]-} == _agent-vault ]]; then
  _agent-vault "$@"
else
  compdef _agent-vault agent-vault
fi
`;
