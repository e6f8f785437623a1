/** For a value behind `--flag=`, fish completes the file alone, and the flag goes back in front of it. A command without a name has files only. */
export const FISH_SCRIPT = `# Completion of agent-vault for fish: agent-vault completions fish | source
function __agent_vault_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $before[1])
    type -q -- $program; or set program agent-vault
    set -l flag (string match -r -- '^--[a-z-]+=' $current)
    set -l path (string replace -r -- '^--[a-z-]+=' '' $current)
    for line in ($program completions fish --words (math (count $before) - 1) -- $before[2..-1] (string unescape -- $current) 2>/dev/null)
        switch $line
            case :files
                string replace -r -- '^' "$flag" (complete -C "'' $path")
            case :folders
                string replace -r -- '^' "$flag" (__fish_complete_directories "$path")
            case '*'
                printf '%s\\n' $line
        end
    end
end
complete -c agent-vault -f -a '(__agent_vault_complete)'
`;
