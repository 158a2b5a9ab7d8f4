using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>A web server under measurement: started here, known by its <c>listening</c> line, stopped with SIGTERM.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stopMax = TimeSpan.FromSeconds(30);

    // How the load generator of this very process runs its sockets is not for the servers that it measures.
    private static readonly string[] s_ownVariables = ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"];

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
        var process = Process.Start(WithoutOwn(new ProcessStartInfo(fileName, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true }))
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

    /// <summary>Starts a program that prints no such line, and waits until it takes connections.</summary>
    /// <param name="start">The program; its output is thrown away, its errors are kept for the message.</param>
    /// <param name="url">Where it will listen.</param>
    /// <exception cref="BenchFailedException">It ended, or a minute passed.</exception>
    public static async Task<ServerProcess> StartAndKnockAsync(ProcessStartInfo start, Uri url)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        var begun = TimeProvider.System.GetTimestamp();
        Process process;
        try
        {
            process = Process.Start(WithoutOwn(start))!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new BenchFailedException($"'{start.FileName}' could not be started: {e.Message}");
        }

        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        while (!await TakesConnectionsAsync(url).ConfigureAwait(false))
        {
            if (process.HasExited || TimeProvider.System.GetElapsedTime(begun) > s_startMax)
            {
                var reason = process.HasExited ? $"ended with {process.ExitCode}" : $"took no connection at {url} within {s_startMax.TotalSeconds} s";
                process.Kill(entireProcessTree: true);
                var said = $"{await output.ConfigureAwait(false)}{await errors.ConfigureAwait(false)}".ReplaceLineEndings(" ");
                throw new BenchFailedException($"'{start.FileName} {string.Join(' ', start.ArgumentList)}' {reason}: {said[..Math.Min(said.Length, 500)]}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System).ConfigureAwait(false);
        }

        return new ServerProcess(process, url, TimeProvider.System.GetElapsedTime(begun), Task.WhenAll(output, errors));
    }

    /// <summary>Stops a program of others, which may need to be killed for it, with all that it started.</summary>
    public async Task StopHardAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
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

    private static ProcessStartInfo WithoutOwn(ProcessStartInfo start)
    {
        foreach (var name in s_ownVariables)
        {
            start.Environment.Remove(name);
        }

        return start;
    }

    private static async Task<bool> TakesConnectionsAsync(Uri url)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(url.Host, url.Port).ConfigureAwait(false);
            return true;
        }
        catch (SocketException)
        {
            return false;
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
