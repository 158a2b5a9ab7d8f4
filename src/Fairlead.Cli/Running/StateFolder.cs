using System.Security.Cryptography;
using System.Text.Json;
using Fairlead.Configuration;

namespace Fairlead.Cli.Running;

/// <summary>What <c>instance.json</c> says of a running instance.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Url">Where it listens.</param>
/// <param name="Version">Its version.</param>
internal sealed record InstanceFile(int Pid, string Url, string Version);

/// <summary>The folder where one instance keeps its lock, its admin token and its address (decision 13).</summary>
internal sealed class StateFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private StateFolder(string path, FileStream held)
    {
        Path = path;
        _lock = held;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The state folder for these words of the user.</summary>
    public static string PathFor(string? option)
    {
        var environment = CommonOptions.Environment();
        var named = option ?? (environment.TryGetValue("FAIRLEAD_STATE", out var variable) && variable.Length != 0 ? variable : null);
        return System.IO.Path.GetFullPath(ConfigurationPaths.StateFolder(named, ConfigurationPaths.Current, environment, CommonOptions.Home()));
    }

    /// <summary>Creates the folder and locks it for this process.</summary>
    /// <returns>Null when another instance holds it.</returns>
    public static StateFolder? TryLock(string path)
    {
        Directory.CreateDirectory(path);
        try
        {
            var held = new FileStream(System.IO.Path.Combine(path, "instance.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new StateFolder(path, held);
        }
        catch (IOException) when (File.Exists(System.IO.Path.Combine(path, "instance.lock")))
        {
            return null;
        }
    }

    /// <summary>Reads the admin token, or makes one: 256 bit, readable by the owner alone.</summary>
    public string AdminToken()
    {
        var file = System.IO.Path.Combine(Path, "admin.token");
        if (ReadToken(Path) is { Length: > 0 } known)
        {
            return known;
        }

        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        WriteOwnerOnly(file, token);
        return token;
    }

    /// <summary>The admin token of a folder, or null.</summary>
    public static string? ReadToken(string path)
    {
        var file = System.IO.Path.Combine(path, "admin.token");
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    /// <summary>Tells other commands where this instance listens.</summary>
    public void Announce(InstanceFile instance) =>
        WriteOwnerOnly(System.IO.Path.Combine(Path, "instance.json"), JsonSerializer.Serialize(instance, JsonSerializerOptions.Web));

    /// <summary>What a folder says of its instance; null when nothing readable is there.</summary>
    public static InstanceFile? ReadInstance(string path)
    {
        try
        {
            var file = System.IO.Path.Combine(path, "instance.json");
            return File.Exists(file) ? JsonSerializer.Deserialize<InstanceFile>(File.ReadAllText(file), JsonSerializerOptions.Web) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Delete(System.IO.Path.Combine(Path, "instance.json"));
        _lock.Dispose();
    }

    private static void WriteOwnerOnly(string file, string text)
    {
        // Written beside and moved over, so that a reader never sees half a file.
        var temporary = file + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var writer = new StreamWriter(temporary, options))
        {
            writer.Write(text);
        }

        File.Move(temporary, file, overwrite: true);
    }
}
