using Fairlead.Cli.Clients;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>A user of the test's own: a home folder, a project in it that is the current folder, a state folder, and what was printed.</summary>
internal sealed class UserHome : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly StringWriter _printed = new();

    /// <summary>The user. Variables of the machine that the tests run on are not theirs.</summary>
    public Surroundings At => new(SystemKind.Linux, new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "" }, Path("project"), _folder.FullName, Path("state"));

    /// <summary>Everything printed so far, stdout and stderr in order.</summary>
    public string Printed => _printed.ToString();

    /// <summary>The file of Fairlead's own that is made where there is none.</summary>
    public string Own => Path(".config/fairlead/fairlead.json");

    private Terminal Terminal => new(_printed, _printed, isTerminal: false, hasColour: false, static () => (80, 25));

    /// <summary>A path in the home folder.</summary>
    public string Path(string name) => System.IO.Path.Combine(_folder.FullName, name);

    /// <summary>Writes a file in the home folder.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path(name))!);
        return _folder.Write(name, text);
    }

    /// <summary>Runs <c>fairlead import</c>.</summary>
    /// <param name="request">What is wanted; null = all clients, without asking.</param>
    /// <param name="answers">What the person answers, in order; none = nobody can be asked.</param>
    public int Import(ImportRequest? request = null, params string[] answers) =>
        new ImportRun(At, Terminal, new FakeTimeProvider(), Answering(answers)).Run(request ?? new ImportRequest { IsAgreed = true });

    /// <summary>Runs <c>fairlead connect</c>.</summary>
    public int Connect(ConnectRequest request, params string[] answers) =>
        new ConnectRun(At, Terminal, new FakeTimeProvider(), ["/opt/fairlead"], Answering(answers)).Run(request);

    /// <summary>Runs one of the two with <c>--undo</c>.</summary>
    public int Undo(string kind, string? client = null, bool isDry = false) => new UndoRun(At, Terminal, new FakeTimeProvider()).Run(kind, client, isDry);

    /// <inheritdoc/>
    public void Dispose()
    {
        _folder.Dispose();
        _printed.Dispose();
    }

    private static Func<string, string?>? Answering(string[] answers)
    {
        var left = new Queue<string>(answers);
        return answers.Length == 0 ? null : _ => left.Count == 0 ? null : left.Dequeue();
    }
}
