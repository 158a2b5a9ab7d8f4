using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

/// <summary>An in-process server that is a new <see cref="ScriptedServer"/> each time it is run, so that tests see and steer every start.</summary>
internal sealed class ScriptedRuns(Action<ScriptedServer> script) : IMcpServer
{
    private readonly Lock _lock = new();
    private readonly List<Run> _runs = [];
    private TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many runs have begun.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _runs.Count;
            }
        }
    }

    /// <summary>A server of 2025-11-25 with one tool, <c>hello</c>.</summary>
    public static ScriptedRuns Legacy(Action<ScriptedServer>? more = null) => new(server =>
    {
        server.SpeaksLegacy("""{"tools":{"listChanged":true}}""")
            .On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]} """)
            .On("tools/call", """ "result":{"content":[{"type":"text","text":"hello"}]} """)
            .On("ping", """ "result":{} """);
        more?.Invoke(server);
    });

    /// <summary>The n-th run, from 1, as soon as it has begun.</summary>
    public async Task<Run> WhenRunAsync(int number)
    {
        while (true)
        {
            Task began;
            lock (_lock)
            {
                if (_runs.Count >= number)
                {
                    return _runs[number - 1];
                }

                began = _began.Task;
            }

            await Guard.WithinAsync(began, $"run {number} of a scripted server");
        }
    }

    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        await using var server = new ScriptedServer();
        script(server);
        var run = new Run(server);
        TaskCompletionSource began;
        lock (_lock)
        {
            _runs.Add(run);
            began = _began;
            _began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        began.SetResult();
        var toServer = input.CopyToAsync(server.Input, cancellationToken);
        var fromServer = server.Output.CopyToAsync(output, cancellationToken);
        await await Task.WhenAny(toServer, fromServer, run.Crashed.Task);
    }

    /// <summary>One run.</summary>
    internal sealed class Run(ScriptedServer server)
    {
        /// <summary>What it hears and says.</summary>
        public ScriptedServer Server => server;

        public TaskCompletionSource Crashed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends the run with an exception.</summary>
        public void Crash(string message) => Crashed.SetException(new InvalidOperationException(message));
    }
}
