using System.Security.Cryptography;
using System.Text;
using Fairlead.Actors;
using Fairlead.Configuration;
using Microsoft.Extensions.Logging;

namespace Fairlead.Cli.Running;

/// <summary>Watches the files of a configuration and tells when what stands in them has changed and has come to rest.</summary>
/// <remarks>
/// Notifications of the file system only make it look sooner: it looks every few seconds in any case, because network drives and some containers send none, and because an editor
/// that moves another file into the place of the watched one is seen by the content alone. Owns its loop.
/// </remarks>
internal sealed class ConfigurationWatch : IAsyncDisposable
{
    /// <summary>How often it looks without being told to.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    /// <summary>How long the files must stay the same before a change counts: an editor writes a file in more than one step.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(250);

    // Files that never come to rest are reloaded all the same, from time to time.
    private const int RestsMax = 20;

    private readonly Func<IReadOnlyList<string>> _files;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly BackgroundWork _work;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, FileSystemWatcher> _watchers = new(StringComparer.Ordinal);
    private volatile TaskCompletionSource _nudge = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _known;

    /// <summary>Remembers what stands in the files at this moment.</summary>
    /// <param name="files">Their full paths, also of those that do not exist; asked before each look.</param>
    /// <param name="changed">Told of a change, on the loop; returns at once.</param>
    /// <param name="time">Paces the looks.</param>
    /// <param name="logger">Where an error of the watch itself is told.</param>
    public ConfigurationWatch(Func<IReadOnlyList<string>> files, Action changed, TimeProvider time, ILogger logger)
    {
        _files = files;
        _changed = changed;
        _time = time;
        _work = new BackgroundWork("the watch over the configuration", logger);
        _known = Fingerprint();
    }

    /// <summary>The files that a configuration is made of: itself, the <c>.env</c> files beside it, and those that its servers name.</summary>
    public static IReadOnlyList<string> FilesOf(ConfigurationResult loaded)
    {
        // What is no file on a disk, such as <(command) of a shell, can be read only once.
        if (loaded.File is not { } file || file.StartsWith("/dev/", StringComparison.Ordinal) || file.StartsWith("/proc/", StringComparison.Ordinal))
        {
            return [];
        }

        var folder = Path.GetDirectoryName(file)!;
        return
        [
            file,
            .. ConfigurationLoader.DotEnvFiles.Select(name => Path.Combine(folder, name)),
            .. loaded.Options.Servers.Select(static server => server.EnvironmentFile).OfType<string>().Where(Path.IsPathRooted).Distinct(),
        ];
    }

    /// <summary>Begins to watch.</summary>
    public void Start() => _work.Run(FollowAsync);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.WhenIdleAsync().ConfigureAwait(false);
        foreach (var watcher in _watchers.Values)
        {
            watcher.Dispose();
        }

        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        while (true)
        {
            Listen();
            var nudge = _nudge.Task;
            await Task.WhenAny(nudge, Task.Delay(LookEvery, _time, _stop.Token)).ConfigureAwait(false);
            _stop.Token.ThrowIfCancellationRequested();
            _nudge = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var now = Fingerprint();
            if (now.AsSpan().SequenceEqual(_known))
            {
                continue;
            }

            for (var rests = 0; rests < RestsMax; rests++)
            {
                await Task.Delay(Rest, _time, _stop.Token).ConfigureAwait(false);
                var later = Fingerprint();
                if (later.AsSpan().SequenceEqual(now))
                {
                    break;
                }

                now = later;
            }

            // Written and taken back before it came to rest: nothing has changed.
            if (!now.AsSpan().SequenceEqual(_known))
            {
                _known = now;
                _changed();
            }
        }
    }

    /// <summary>Asks for notifications of the folders that the files are in.</summary>
    private void Listen()
    {
        foreach (var folder in _files().Select(Path.GetDirectoryName).OfType<string>().Distinct().Where(folder => !_watchers.ContainsKey(folder)))
        {
            try
            {
                var watcher = new FileSystemWatcher(folder) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size };
                _watchers[folder] = watcher;
                watcher.Changed += Nudge;
                watcher.Created += Nudge;
                watcher.Deleted += Nudge;
                watcher.Renamed += Nudge;
                watcher.EnableRaisingEvents = true;
            }
            catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                // No notifications here, for want of the folder or of the system's means: the looks every few seconds do without.
                return;
            }
        }
    }

    private void Nudge(object sender, FileSystemEventArgs change)
    {
        if (_files().Contains(change.FullPath, StringComparer.Ordinal))
        {
            _nudge.TrySetResult();
        }
    }

    private byte[] Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in _files())
        {
            var content = TextFile.ReadBytes(path, ConfigText.BytesMax, out var failure);
            hash.AppendData(Encoding.UTF8.GetBytes($"{path}\n{content?.Length ?? -1}\n{failure}\n"));
            hash.AppendData(content ?? []);
        }

        return hash.GetHashAndReset();
    }
}
