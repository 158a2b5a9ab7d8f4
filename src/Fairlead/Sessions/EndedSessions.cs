using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Diagnostics;
using Fairlead.State;
using Microsoft.Extensions.Logging;

namespace Fairlead.Sessions;

/// <summary>Remembers which sessions have ended, by DELETE or by idling, until their tickets are too old to be opened (decision 10). Kept in <c>sessions-ended.jsonl</c> of the state folder.</summary>
/// <remarks>
/// One line for each, added when it ends, so that an end is known after any kind of restart. It errs on the safe side: when ends may have been forgotten (the file is
/// lost, or there are more than <see cref="EntriesMax"/>), no ticket of that time or before is opened any more. Any thread.
/// </remarks>
internal sealed partial class EndedSessions
{
    /// <summary>Most ends kept.</summary>
    public const int EntriesMax = 50_000;

    private const int FormatVersion = 1;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _ended = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private readonly StateFile? _file;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private DateTimeOffset _notBefore;
    private bool _mustRewrite;

    /// <summary>Reads what a state folder remembers.</summary>
    /// <param name="files">The state folder; null = remembered in memory only.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told that earlier sessions are not opened again.</param>
    public EndedSessions(StateFiles? files, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        _bySpan = _ended.GetAlternateLookup<ReadOnlySpan<char>>();
        _file = files?.File("sessions-ended.jsonl", FormatVersion, "Which sessions their clients ended is not known any more, so all sessions that were open before have to be opened again.");
        if (_file?.Read(Parse) is StateOutcome.Newer or StateOutcome.Unusable)
        {
            // Written at once: the file that was there is gone, and the next start must know that it was.
            _ended.Clear();
            CutOff(_time.GetUtcNow());
            _file.Write(ToBytes_NeedsLock());
        }

        Prune_NeedsLock();
        _mustRewrite = true;
    }

    /// <summary>Number of ends remembered.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _ended.Count;
            }
        }
    }

    /// <summary>Whether a session has ended, or may have.</summary>
    /// <param name="id">The session's whole id.</param>
    /// <param name="created">When it began, in whole seconds.</param>
    public bool Contains(string id, DateTimeOffset created)
    {
        lock (_lock)
        {
            return created <= _notBefore || _bySpan.ContainsKey(SessionTicket.RandomOf(id));
        }
    }

    /// <summary>Notes an end. It is on the disk when this returns, unless the disk makes trouble, which is told.</summary>
    /// <inheritdoc cref="Contains"/>
    public void Add(string id, DateTimeOffset created)
    {
        lock (_lock)
        {
            var random = SessionTicket.RandomOf(id).ToString();
            if (!_ended.TryAdd(random, created))
            {
                return;
            }

            if (_ended.Count > EntriesMax)
            {
                Prune_NeedsLock();
                _mustRewrite = true;
            }

            if (_file is not null)
            {
                _mustRewrite = _mustRewrite ? !_file.Write(ToBytes_NeedsLock()) : !_file.Append(Encoding.ASCII.GetBytes(Line(random, created)));
            }
        }
    }

    private static string Line(string random, DateTimeOffset created) =>
        string.Create(CultureInfo.InvariantCulture, $"{{\"id\":\"{random}\",\"created\":{created.ToUnixTimeSeconds()}}}\n");

    private void Parse(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);

        // What follows the last line feed was being written when the process ended: its client got no answer.
        var lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
        {
            throw new FormatException("its first line is not whole");
        }

        using (var head = JsonDocument.Parse(lines[0]))
        {
            _notBefore = DateTimeOffset.FromUnixTimeSeconds(head.RootElement.GetProperty("notBefore").GetInt64());
        }

        foreach (var line in lines.AsSpan(1))
        {
            using var entry = JsonDocument.Parse(line);
            _ended[entry.RootElement.GetProperty("id").GetString()!] = DateTimeOffset.FromUnixTimeSeconds(entry.RootElement.GetProperty("created").GetInt64());
        }
    }

    private byte[] ToBytes_NeedsLock()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{\"formatVersion\":{FormatVersion},\"notBefore\":{_notBefore.ToUnixTimeSeconds()}}}\n");
        foreach (var (random, created) in _ended)
        {
            text.Append(Line(random, created));
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private void Prune_NeedsLock()
    {
        var now = _time.GetUtcNow();
        foreach (var (random, created) in _ended)
        {
            if (now - created > SessionTicket.Lifetime)
            {
                _ended.Remove(random);
            }
        }

        if (_ended.Count > EntriesMax)
        {
            // The oldest half goes at once, so that this is rare.
            var cut = _ended.Values.Order().ElementAt(_ended.Count / 2);
            CutOff(cut);
            foreach (var (random, created) in _ended)
            {
                if (created <= cut)
                {
                    _ended.Remove(random);
                }
            }
        }
    }

    private void CutOff(DateTimeOffset until)
    {
        _notBefore = until;
        LogCutOff(_logger, until);
    }

    [LoggerMessage(EventIds.SessionsCutOff, LogLevel.Warning, "Sessions that began before {Until:u} are not opened again after a restart; their clients begin with initialize.")]
    private static partial void LogCutOff(ILogger logger, DateTimeOffset until);
}
