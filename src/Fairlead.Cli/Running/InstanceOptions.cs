using System.CommandLine;

namespace Fairlead.Cli.Running;

/// <summary>The options that say which instance a command talks to, and with which token: <c>--url</c>, <c>--state</c>, <c>--token-file</c>.</summary>
internal sealed class InstanceOptions
{
    /// <summary>The variable that holds the admin token of the instance that <c>--url</c> names.</summary>
    public const string TokenVariable = "FAIRLEAD_TOKEN";

    private readonly Option<string?> _url = CommonOptions.Url();
    private readonly Option<string?> _state = CommonOptions.State();
    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        HelpName = "FILE",
        Description = $"A file with the admin token of the instance, for one on another machine. Default: {TokenVariable}, else admin.token of the state folder, which goes to this machine alone.",
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_url);
        command.Options.Add(_state);
        command.Options.Add(_tokenFile);
    }

    /// <summary>What was given.</summary>
    public InstanceTarget Of(ParseResult parsed) =>
        new(parsed.GetValue(_url), parsed.GetValue(_state), parsed.GetValue(_tokenFile), Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } token ? token : null);
}

/// <summary>Lets <see cref="InstanceOptions"/> stand among the options of a new command.</summary>
internal static class InstanceOptionsOfCommand
{
    /// <summary>Adds them.</summary>
    public static void Add(this Command command, InstanceOptions options) => options.AddTo(command);
}
