using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fairlead.Cli.Running;

/// <summary>What <c>instance.json</c> says of a running instance (decision 13).</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Url">Where it listens.</param>
/// <param name="Version">Its version.</param>
internal sealed record InstanceFile(int Pid, string Url, string Version)
{
    /// <summary>The name of the file in the state folder.</summary>
    public const string Name = "instance.json";

    /// <summary>The form that this version writes and understands.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The REST API that this version speaks: raised when commands of before could not use it any more.</summary>
    public const int CurrentApi = 1;

    // A process starts before it writes its file; clocks of files and processes are not the same to the millisecond.
    private static readonly TimeSpan s_clockSlack = TimeSpan.FromSeconds(5);

    /// <summary>What a remark holds when the file is there and good, but beyond this version.</summary>
    public const string NewerRemark = "was written by a newer Fairlead";

    /// <summary>The form of the file.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    /// <summary>The REST API of the instance.</summary>
    public int ApiVersion { get; init; } = CurrentApi;

    /// <summary>Whether commands of this version can use the instance: it need not be of this version for that.</summary>
    public bool IsCompatible => ApiVersion == CurrentApi;

    /// <summary>Reads the file of a state folder.</summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="remark">Something a person should know, such as a file that was moved aside; else null.</param>
    /// <returns>Null when no instance runs: there is no file, or the process that wrote it is gone.</returns>
    public static InstanceFile? Find(string folder, out string? remark)
    {
        remark = null;
        var path = Path.Combine(folder, Name);
        InstanceFile? instance;
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            instance = JsonSerializer.Deserialize(File.ReadAllText(path), InstanceJson.Default.InstanceFile);
        }
        catch (JsonException)
        {
            instance = null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            remark = $"{path} cannot be read: {exception.Message}";
            return null;
        }

        if (instance is { FormatVersion: > CurrentFormat })
        {
            remark = $"{path} {NewerRemark} ({instance.Version}); update this one, or name the instance with --url";
            return null;
        }

        if (instance is not { Pid: > 0, Url.Length: > 0 } || !Uri.TryCreate(instance.Url, UriKind.Absolute, out _))
        {
            remark = $"{path} could not be understood and was moved to {StateFolder.MoveAside(path)}";
            return null;
        }

        if (!IsAlive(instance.Pid, File.GetLastWriteTimeUtc(path)))
        {
            remark = $"the last one, process {instance.Pid}, has ended without cleaning up";
            return null;
        }

        return instance;
    }

    /// <summary>Whether the process that wrote the file still runs; another one may have got its number.</summary>
    private static bool IsAlive(int pid, DateTime writtenAt)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited && process.StartTime.ToUniversalTime() <= writtenAt + s_clockSlack;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // It runs, but may not be looked at: then it is believed.
            return true;
        }
    }
}

/// <summary>How the file is read and written, made by the compiler: it is written before a start says that it listens.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(InstanceFile))]
internal sealed partial class InstanceJson : JsonSerializerContext;
