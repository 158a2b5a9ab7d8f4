using System.Diagnostics;
using System.Runtime.InteropServices;
using Fairlead.TestKit;

namespace Fairlead.BuiltIn.Tests;

/// <summary>A program that runs beside a test and ends with it.</summary>
internal sealed class BackgroundProgram : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BackgroundProgram(Process process) => _process = process;

    /// <summary>Starts it and waits for a line on stderr.</summary>
    public static async Task<BackgroundProgram> StartAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> variables, string readyLine)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in variables)
        {
            info.Environment[name] = value;
        }

        var background = new BackgroundProgram(Process.Start(info)!);
        background._process.ErrorDataReceived += (_, line) => background.Read(line.Data, readyLine);
        background._process.BeginErrorReadLine();
        await Guard.WithinAsync(background._ready.Task, $"'{readyLine}' from {Path.GetFileName(program)}");
        return background;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _ = Kill(_process.Id, SigTerm);
        await Guard.WithinAsync(_process.WaitForExitAsync(), "the end of " + _process.StartInfo.FileName);
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);

    private void Read(string? line, string readyLine)
    {
        lock (_lastLines)
        {
            if (line is null)
            {
                _ready.TrySetException(new InvalidOperationException("It ended:\n" + string.Join('\n', _lastLines)));
                return;
            }

            _lastLines.Enqueue(line);
            if (_lastLines.Count > 50)
            {
                _lastLines.Dequeue();
            }
        }

        if (line.Contains(readyLine, StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }
}
