/**
 * PowerShell completes files itself where a completer returns nothing, and offers nothing where it returns an empty word. It takes
 * `a,b` for a list of two and replaces its last element, so what comes before that is cut off again. Before version 7.3 it loses
 * empty words on the way to a program, so the number says where the cursor is.
 */
export const POWERSHELL_SCRIPT = `# Completion of agent-vault for PowerShell: agent-vault completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName agent-vault -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @()
    $current = ''
    $kept = 0
    foreach ($element in $commandAst.CommandElements) {
        $text = $element.Extent.Text
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        if ($element.Extent.EndOffset -ge $cursorPosition) {
            $current = $text.Substring(0, $cursorPosition - $element.Extent.StartOffset).Trim('"', "'")
            if ($text.EndsWith($wordToComplete)) { $kept = $text.Length - $wordToComplete.Length }
        } elseif ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $before += $element.Value
        } else {
            $before += $text
        }
    }
    $program = $before[0]
    if (-not (Get-Command -Name $program -ErrorAction Ignore)) { $program = 'agent-vault' }
    $question = @('completions', 'powershell', '--words', "$($before.Count - 1)", '--') + @($before | Select-Object -Skip 1) + $current
    $answer = @(& $program @question 2>$null)
    if ($answer.Count -eq 0) { return '' }
    if ($answer[0] -eq ':files' -or $answer[0] -eq ':folders') { return }
    foreach ($line in $answer) {
        $word, $description = $line -split "\`t", 2
        if (-not $description) { $description = $word }
        [System.Management.Automation.CompletionResult]::new($word.Substring($kept), $word, 'ParameterValue', $description)
    }
}
`;
