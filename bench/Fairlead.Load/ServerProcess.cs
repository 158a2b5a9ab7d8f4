using System.Diagnostics;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>A web server under measurement: started here, known by its <c>listening</c> line, stopped with SIGTERM.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stopMax = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Task _drained;

    private ServerProcess(Process process, Uri url, TimeSpan startup, Task drained)
    {
        _process = process;
        _drained = drained;
        Url = url;
        Startup = startup;
    }

    public int Id => _process.Id;

    /// <summary>Scheme, host and port.</summary>
    public Uri Url { get; }

    /// <summary>From the start of the process to its <c>listening</c> line.</summary>
    public TimeSpan Startup { get; }

    /// <exception cref="BenchFailedException">It ended, or a minute passed, without the line.</exception>
    public static async Task<ServerProcess> StartAsync(string fileName, params string[] arguments)
    {
        var start = TimeProvider.System.GetTimestamp();
        var process = Process.Start(new ProcessStartInfo(fileName, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true })
            ?? throw new BenchFailedException($"'{fileName}' did not start");
        try
        {
            using var deadline = new CancellationTokenSource(s_startMax, TimeProvider.System);
            while (await process.StandardOutput.ReadLineAsync(deadline.Token).ConfigureAwait(false) is { } line)
            {
                if (ListeningUrl(line) is { } url)
                {
                    var startup = TimeProvider.System.GetElapsedTime(start);
                    return new ServerProcess(process, url, startup, process.StandardOutput.ReadToEndAsync(CancellationToken.None));
                }
            }

            throw new BenchFailedException($"'{fileName} {string.Join(' ', arguments)}' ended without a listening line; run it by hand to see why");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new BenchFailedException($"'{fileName} {string.Join(' ', arguments)}' printed no listening line within {s_startMax.TotalSeconds} s");
        }
    }

    public async ValueTask DisposeAsync()
    {
        using (var terminate = Process.Start("kill", ["-TERM", $"{Id}"]))
        {
            await terminate.WaitForExitAsync().ConfigureAwait(false);
        }

        using var deadline = new CancellationTokenSource(s_stopMax, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            await _drained.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            throw new BenchFailedException($"process {Id} did not stop within {s_stopMax.TotalSeconds} s of SIGTERM; it was killed");
        }
        finally
        {
            _process.Dispose();
        }
    }

    private static Uri? ListeningUrl(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("event", out var name) && name.ValueEquals("listening")
                ? new Uri(root.GetProperty("url").GetString()!)
                : null;
        }
        catch (JsonException)
        {
            return null; // Progress for people; only the one JSON line matters here.
        }
    }
}
