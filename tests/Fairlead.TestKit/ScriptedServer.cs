using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

namespace Fairlead.TestKit;

/// <summary>A request or notification that a <see cref="ScriptedServer"/> received.</summary>
/// <param name="Line">The line as it came, without its end.</param>
/// <param name="Method">Its method; "" for an answer.</param>
/// <param name="Id">The raw id token; "" for a notification.</param>
/// <param name="Params">The raw params; "{}" when there are none.</param>
public sealed record ScriptedRequest(string Line, string Method, string Id, string Params)
{
    /// <summary>The text of a member of <see cref="Params"/>; null when it is absent or no string.</summary>
    public string? Text(string member)
    {
        using var document = JsonDocument.Parse(Params);
        return document.RootElement.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}

/// <summary>
/// A server of raw lines over a pair of pipes: what it is told to say goes out byte for byte, what it hears is kept. For the tests of everything that speaks to a server.
/// </summary>
/// <remarks>
/// Give <see cref="Input"/> and <see cref="Output"/> to a connection. Requests are answered by the rule of their method (<see cref="On(string, string)"/>), in the order they
/// come; without a rule with -32601. Requests whose rule gives null stay open; answer them with <see cref="SendAsync"/>. Rules may be changed while it runs.
/// </remarks>
public sealed class ScriptedServer : IAsyncDisposable
{
    private readonly Pipe _toServer = new();
    private readonly Pipe _fromServer = new();
    private readonly ConcurrentDictionary<string, Func<ScriptedRequest, string?>> _rules = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly List<ScriptedRequest> _received = [];
    private readonly List<(Func<IReadOnlyList<ScriptedRequest>, bool> Condition, TaskCompletionSource Reached)> _waiters = [];
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Task _reading;

    /// <summary>Starts to listen.</summary>
    public ScriptedServer()
    {
        Input = _toServer.Writer.AsStream();
        Output = _fromServer.Reader.AsStream();
        _reading = Task.Run(ReadAllAsync);
    }

    /// <summary>Told of each answer to a request of the server's own, on the thread that reads: it must not block.</summary>
    public Action<ScriptedRequest>? Answered { get; set; }

    /// <summary>What the server reads: the other side writes here.</summary>
    public Stream Input { get; }

    /// <summary>What the server writes: the other side reads here.</summary>
    public Stream Output { get; }

    /// <summary>Everything received so far, in order.</summary>
    public IReadOnlyList<ScriptedRequest> Received
    {
        get
        {
            lock (_lock)
            {
                return [.. _received];
            }
        }
    }

    /// <summary>Answers every request of a method with the same members, as in <c>"result":{"tools":[]}</c> or <c>"error":{"code":-32603,"message":"no"}</c>.</summary>
    public ScriptedServer On(string method, string answerMembers) => On(method, _ => answerMembers);

    /// <summary>Answers the requests of a method with the members that <paramref name="answer"/> gives; null leaves the request open.</summary>
    public ScriptedServer On(string method, Func<ScriptedRequest, string?> answer)
    {
        _rules[method] = answer;
        return this;
    }

    /// <summary>Answers <c>initialize</c> of 2025-11-25 (and refuses the probe of later revisions).</summary>
    /// <param name="capabilities">The raw capabilities object.</param>
    /// <param name="moreMembers">Further members of the result, each after a comma, as in <c>,"instructions":"..."</c>.</param>
    public ScriptedServer SpeaksLegacy(string capabilities, string moreMembers = "") => On(
        "initialize", $$"""
        "result":{"protocolVersion":"2025-11-25","capabilities":{{capabilities}},"serverInfo":{"name":"scripted","version":"1"}{{moreMembers}}}
        """.Trim());

    /// <summary>Answers <c>server/discover</c> of 2026-07-28.</summary>
    /// <inheritdoc cref="SpeaksLegacy"/>
    public ScriptedServer SpeaksModern(string capabilities, string moreMembers = "") => On(
        "server/discover", $$$"""
        "result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{{capabilities}}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"scripted","version":"1"}}{{{moreMembers}}}}
        """.Trim());

    /// <summary>Writes one line as it is.</summary>
    public async Task SendAsync(string line)
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            await _fromServer.Writer.WriteAsync(Encoding.UTF8.GetBytes(line + "\n")).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Completes when what was received satisfies <paramref name="condition"/>.</summary>
    /// <exception cref="TimeoutException">The guard ran out.</exception>
    public Task WhenReceivedAsync(Func<IReadOnlyList<ScriptedRequest>, bool> condition, string what)
    {
        lock (_lock)
        {
            if (condition(_received))
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, reached));
            return Guard.WithinAsync(reached.Task, what);
        }
    }

    /// <summary>Completes when <paramref name="count"/> requests or notifications of a method have come.</summary>
    /// <inheritdoc cref="WhenReceivedAsync(Func{IReadOnlyList{ScriptedRequest}, bool}, string)"/>
    public Task WhenReceivedAsync(string method, int count = 1) =>
        WhenReceivedAsync(received => received.Count(request => request.Method == method) >= count, $"{count} x {method}");

    /// <summary>Closes the server's output, as a process that ends.</summary>
    public Task HangUpAsync() => _fromServer.Writer.CompleteAsync().AsTask();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _toServer.Writer.CompleteAsync().ConfigureAwait(false);
        await Guard.WithinAsync(_reading, "the end of a scripted server's reader").ConfigureAwait(false);
        await _fromServer.Writer.CompleteAsync().ConfigureAwait(false);
        _writing.Dispose();
    }

    private static ScriptedRequest Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        string Raw(string member, string absent) => root.TryGetProperty(member, out var value) ? value.GetRawText() : absent;

        return new ScriptedRequest(line, root.TryGetProperty("method", out var method) ? method.GetString()! : "", Raw("id", ""), Raw("params", "{}"));
    }

    private async Task ReadAllAsync()
    {
        using var reader = new StreamReader(_toServer.Reader.AsStream());
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            var request = Parse(line);
            lock (_lock)
            {
                _received.Add(request);
                foreach (var waiter in _waiters.FindAll(waiter => waiter.Condition(_received)))
                {
                    waiter.Reached.SetResult();
                    _waiters.Remove(waiter);
                }
            }

            if (request.Method.Length == 0)
            {
                Answered?.Invoke(request);
            }
            else if (request.Id.Length > 0)
            {
                var members = _rules.TryGetValue(request.Method, out var rule) ? rule(request) : "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";
                if (members is not null)
                {
                    await SendAsync($"{{\"jsonrpc\":\"2.0\",{members},\"id\":{request.Id}}}").ConfigureAwait(false);
                }
            }
        }
    }
}
