using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests;

/// <summary>
/// A process that a test started: its output is kept for the failure message, and it does not outlive the test. Safe for all threads.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;
    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<(string Text, bool IsOutput)> _lines = [];
    private readonly List<(Func<string, bool> Wanted, bool OfOutput, TaskCompletionSource<string> Found)> _waiters = [];
    private readonly StringBuilder _output = new();
    private readonly string _title;
    private readonly Action<string>? _heard;

    private ChildProcess(Process process, string title, Action<string>? heard)
    {
        _process = process;
        _title = title;
        _heard = heard;
        Exit = RunAsync();
    }

    /// <summary>Completes with the exit code after all output has been read.</summary>
    public Task<int> Exit { get; }

    /// <summary>Id of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Everything printed so far, stderr lines marked by "! ".</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts a program; its stdin is closed at once.</summary>
    /// <param name="environment">Added to this process's own.</param>
    public static ChildProcess Start(string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var process = StartWithInput(file, arguments, environment);
        process.CloseInput();
        return process;
    }

    /// <summary>As <see cref="Start"/>, with stdin left open for <see cref="WriteLineAsync"/>.</summary>
    /// <param name="heard">Called with each line on stdout, in order; must not throw.</param>
    public static ChildProcess StartWithInput(
        string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, Action<string>? heard = null)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException($"'{file}' did not start.");
        return new ChildProcess(process, $"{Path.GetFileName(file)} {string.Join(' ', start.ArgumentList)}", heard);
    }

    /// <summary>Writes a line to its stdin.</summary>
    public Task WriteLineAsync(string line) => WriteAsync(line + "\n");

    /// <summary>Writes a text to its stdin as it is.</summary>
    public async Task WriteAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Closes its stdin.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>The first line on stdout, past or future, that satisfies the condition.</summary>
    /// <param name="what">What the line says, for the failure message.</param>
    /// <exception cref="InvalidOperationException">The process ended without it; the message carries its output.</exception>
    public Task<string> LineAsync(Func<string, bool> wanted, string what) => LineAsync(wanted, what, ofOutput: true);

    /// <summary>As <see cref="LineAsync(Func{string, bool}, string)"/>, on stderr.</summary>
    public Task<string> ErrorLineAsync(Func<string, bool> wanted, string what) => LineAsync(wanted, what, ofOutput: false);

    /// <summary>Asks the process to end (SIGTERM) and waits for it.</summary>
    public async Task<int> StopAsync()
    {
        if (!Exit.IsCompleted)
        {
            _ = Kill(_process.Id, SigTerm);
        }

        return await Guard.WithinAsync(Exit, $"the end of {_title}");
    }

    /// <summary>Ends the process without a word (SIGKILL), and nothing but it, and waits for its end.</summary>
    public async Task KillAsync()
    {
        _ = Kill(_process.Id, SigKill);
        await Guard.WithinAsync(_process.WaitForExitAsync(), $"the end of {_title} by SIGKILL");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync();
        }
        finally
        {
            if (!Exit.IsCompleted)
            {
                _process.Kill(entireProcessTree: true);
            }

            _process.Dispose();
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);

    private async Task<string> LineAsync(Func<string, bool> wanted, string what, bool ofOutput)
    {
        Task<string> found;
        lock (_gate)
        {
            if (_lines.Find(line => line.IsOutput == ofOutput && wanted(line.Text)).Text is { } past)
            {
                return past;
            }

            var source = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((wanted, ofOutput, source));
            found = source.Task;
        }

        try
        {
            await Guard.WithinAsync(Task.WhenAny(found, Exit), $"{what} from {_title}");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}\n{Output}", exception);
        }

        return found.IsCompletedSuccessfully
            ? await found
            : throw new InvalidOperationException($"{_title} ended with {await Exit} before it printed {what}.\n{Output}");
    }

    private async Task<int> RunAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput, isOutput: true), ReadAsync(_process.StandardError, isOutput: false));
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    private async Task ReadAsync(StreamReader reader, bool isOutput)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_gate)
            {
                _output.Append(isOutput ? "" : "! ").AppendLine(line);
                _lines.Add((line, isOutput));
                _waiters.FindAll(waiter => waiter.OfOutput == isOutput && waiter.Wanted(line)).ForEach(waiter => waiter.Found.TrySetResult(line));
            }

            if (isOutput)
            {
                _heard?.Invoke(line);
            }
        }
    }
}
