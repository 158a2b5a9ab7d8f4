using System.Security.Cryptography;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.State;

namespace Fairlead.Cli.Running;

/// <summary>The folder where one instance keeps its lock, its admin token and its address (decision 13). Everything in it is for its owner alone.</summary>
/// <remarks>Owns the lock: as long as it lives, no other instance uses the folder. The system frees it when the process ends, however it ends.</remarks>
internal sealed class StateFolder : IDisposable
{
    /// <summary>The file that the running instance holds.</summary>
    public const string LockName = "instance.lock";

    /// <summary>The file that holds what administration needs.</summary>
    public const string TokenName = "admin.token";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int TokenBytes = 32;

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

    /// <summary>Makes a folder, and those above it, for the owner alone; one that is there stays as it is.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The same, for lack of rights.</exception>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Creates the folder and locks it for this process.</summary>
    /// <returns>Null when another instance holds it.</returns>
    /// <exception cref="IOException">The folder cannot be made or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same, for lack of rights.</exception>
    public static StateFolder? TryLock(string path)
    {
        Create(path);
        var file = System.IO.Path.Combine(path, LockName);
        try
        {
            return new StateFolder(path, new FileStream(file, OwnerOnlyOptions(FileMode.OpenOrCreate, FileAccess.ReadWrite)));
        }
        catch (IOException) when (File.Exists(file))
        {
            return null;
        }
    }

    /// <summary>Reads the admin token, or makes one: 256 bit.</summary>
    /// <param name="tell">Gets a sentence when something was wrong and has been mended.</param>
    public string AdminToken(Action<string> tell)
    {
        var file = System.IO.Path.Combine(Path, TokenName);
        if (ReadToken(Path) is { } known)
        {
            if (known.Length == 2 * TokenBytes && known.All(char.IsAsciiHexDigit))
            {
                return known;
            }

            tell($"{file} held no token and was moved to {MoveAside(file)}; a new one was made");
        }

        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
        WriteOwnerOnly(file, token);
        return token;
    }

    /// <summary>The admin token of a folder; null when there is none or it may not be read.</summary>
    public static string? ReadToken(string path)
    {
        var file = System.IO.Path.Combine(path, TokenName);
        try
        {
            return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Tells other commands where this instance listens.</summary>
    public void Announce(InstanceFile instance) =>
        WriteOwnerOnly(System.IO.Path.Combine(Path, InstanceFile.Name), JsonSerializer.Serialize(instance, InstanceJson.Default.InstanceFile));

    /// <summary>Moves a file that cannot be used out of the way, so that it can be looked at later.</summary>
    /// <returns>Where it is, or why it is still there.</returns>
    public static string MoveAside(string file) =>
        StateFiles.MoveAside(file, TimeProvider.System, out var trouble) ?? $"nowhere ({trouble}); remove it";

    /// <summary>Writes a file that its owner alone may read, whole or not at all.</summary>
    public static void WriteOwnerOnly(string file, string text)
    {
        // Written beside and moved over, so that a reader never sees half a file.
        var temporary = file + ".new";
        using (var writer = new StreamWriter(temporary, OwnerOnlyOptions(FileMode.Create, FileAccess.Write)))
        {
            writer.Write(text);
        }

        File.Move(temporary, file, overwrite: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            File.Delete(System.IO.Path.Combine(Path, InstanceFile.Name));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It names a process that is gone, which every reader notices.
        }

        _lock.Dispose();
    }

    private static FileStreamOptions OwnerOnlyOptions(FileMode mode, FileAccess access)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return options;
    }
}
