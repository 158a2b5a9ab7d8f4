using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using ModelContextProtocol;

namespace Fairlead.BuiltIn;

/// <summary>What came of a program.</summary>
/// <param name="ExitCode">Its exit code; -1 when it was ended because its output was too long.</param>
/// <param name="Output">What it wrote to stdout, up to the bound.</param>
/// <param name="Error">The last that it wrote to stderr.</param>
/// <param name="IsTruncated">Whether there was more output.</param>
internal sealed record ProgramResult(int ExitCode, string Output, string Error, bool IsTruncated);

/// <summary>Runs a program with bounds on time and output. Never through a shell; its environment is a short list of harmless variables.</summary>
internal sealed class ProgramRun(string program, string name, McpServerSettings settings)
{
    private const int ErrorBytesMax = 8 * 1024;

    private static readonly string[] s_inherited =
    [
        "PATH", "HOME", "USER", "LOGNAME", "TERM", "LANG", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
        "http_proxy", "https_proxy", "no_proxy", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "SystemRoot", "SystemDrive", "windir", "PATHEXT", "TEMP", "TMP",
        "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
    ];

    /// <summary>Runs it to its end.</summary>
    /// <param name="folder">Where; exists.</param>
    /// <param name="arguments">Passed on one by one.</param>
    /// <param name="variables">Beside those that are inherited.</param>
    /// <param name="outputBytesMax">Beyond that the program is ended when <paramref name="mayCut"/>; otherwise the rest is read and dropped.</param>
    /// <param name="mayCut">Whether it only reads, so that it may be ended early.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="McpException">It cannot be started, or took too long.</exception>
    public async Task<ProgramResult> RunAsync(
        string folder, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> variables, int outputBytesMax, bool mayCut, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var process = Start(folder, arguments, variables);
        using var late = new CancellationTokenSource(limit, settings.Time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var error = ReadTailAsync(process.StandardError.BaseStream, end.Token);
            var (output, isTruncated) = await ReadHeadAsync(process.StandardOutput.BaseStream, outputBytesMax, mayCut, end.Token).ConfigureAwait(false);
            if (isTruncated && mayCut)
            {
                End(process);
            }

            await process.WaitForExitAsync(end.Token).ConfigureAwait(false);
            return new ProgramResult(isTruncated && mayCut ? -1 : process.ExitCode, output, await error.ConfigureAwait(false), isTruncated);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new McpException($"{name} took longer than {limit.TotalSeconds:0} s and was ended.");
        }
        finally
        {
            End(process);
        }
    }

    private Process Start(string folder, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> variables)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var inherited in info.Environment.Keys.Where(static key => !s_inherited.Contains(key) && !key.StartsWith("LC_", StringComparison.Ordinal)).ToArray())
        {
            info.Environment.Remove(inherited);
        }

        foreach (var (key, value) in variables.Concat(settings.ProgramVariables))
        {
            info.Environment[key] = value;
        }

        try
        {
            var process = Process.Start(info)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception exception)
        {
            throw new McpException($"{name} could not be started: {exception.Message}. Install it, or put it on PATH.");
        }
    }

    private static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private static async Task<(string Text, bool IsTruncated)> ReadHeadAsync(Stream stream, int bytesMax, bool mayCut, CancellationToken cancellationToken)
    {
        var kept = new MemoryStream();
        var buffer = new byte[16 * 1024];
        var isTruncated = false;
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            var room = Math.Min(read, bytesMax - (int)kept.Length);
            kept.Write(buffer, 0, room);
            isTruncated |= room < read;
            if (isTruncated && mayCut)
            {
                break;
            }
        }

        return (Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length), isTruncated);
    }

    private static async Task<string> ReadTailAsync(Stream stream, CancellationToken cancellationToken)
    {
        var tail = new List<byte>();
        var buffer = new byte[4 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            tail.AddRange(buffer.AsSpan(0, read));
            if (tail.Count > ErrorBytesMax)
            {
                tail.RemoveRange(0, tail.Count - ErrorBytesMax);
            }
        }

        return Encoding.UTF8.GetString([.. tail]).Trim();
    }
}
