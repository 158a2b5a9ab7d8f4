namespace Fairlead.Cli.Output;

/// <summary>The completion scripts of the shells. Each asks <c>fairlead completion suggest</c>, so it knows every command and the servers of the configuration, and never grows old.</summary>
internal static class CompletionScripts
{
    private const string Bash = """
        # Completion of fairlead for bash. For every shell:  fairlead completion bash > ~/.local/share/bash-completion/completions/fairlead
        # For this one alone:  source <(fairlead completion bash)
        _fairlead() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" completion suggest --position "$COMP_POINT" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _fairlead fairlead
        """;

    private const string Zsh = """
        #compdef fairlead
        # Completion of fairlead for zsh. For every shell:  fairlead completion zsh > "${fpath[1]}/_fairlead"
        # For this one alone:  source <(fairlead completion zsh)
        _fairlead() {
            local -a found
            found=("${(@f)$(${words[1]} completion suggest --position "$CURSOR" "$BUFFER" 2>/dev/null)}")
            found=(${found:#})
            if (( ${#found} )); then compadd -- "${found[@]}"; else _files; fi
        }
        if [ "$funcstack[1]" = "_fairlead" ]; then _fairlead; else compdef _fairlead fairlead; fi
        """;

    private const string Fish = """
        # Completion of fairlead for fish. For every shell:  fairlead completion fish > ~/.config/fish/completions/fairlead.fish
        # For this one alone:  fairlead completion fish | source
        complete -c fairlead -a '(fairlead completion suggest (commandline -cp) 2>/dev/null)'
        """;

    private const string PowerShell = """
        # Completion of fairlead for PowerShell. For every shell:  fairlead completion powershell >> $PROFILE
        # For this one alone:  fairlead completion powershell | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName fairlead -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $line = $commandAst.ToString().PadRight($cursorPosition - $commandAst.Extent.StartOffset)
            fairlead completion suggest $line 2>$null | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    /// <summary>The shells there is a script for.</summary>
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish", "powershell"];

    /// <summary>The script of a shell.</summary>
    /// <param name="shell">One of <see cref="Shells"/>.</param>
    public static string For(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        "fish" => Fish,
        _ => PowerShell,
    };
}
