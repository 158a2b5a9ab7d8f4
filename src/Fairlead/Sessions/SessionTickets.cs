using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fairlead.State;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Sessions;

/// <summary>Makes ids of sessions, and opens those of sessions that this process does not know (decision 10). Any thread.</summary>
/// <remarks>Not on the way of a call: a session that is known is found by its id as a word.</remarks>
internal sealed class SessionTickets
{
    // Clocks of nodes that share keys differ a little; a ticket from further ahead is not believed.
    private static readonly TimeSpan s_clockSkew = TimeSpan.FromMinutes(5);

    private readonly TicketKeys _keys;
    private readonly EndedSessions _ended;
    private readonly TimeProvider _time;

    /// <summary>Keeps keys and ends of sessions in <paramref name="files"/>.</summary>
    /// <param name="files">The state folder; null = in memory, and sessions end with the process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where trouble with files is told.</param>
    public SessionTickets(StateFiles? files, TimeProvider time, ILogger logger)
    {
        _time = time;
        _keys = new TicketKeys(files, time, logger);
        _ended = new EndedSessions(files, time, logger);
        Node = NodeOf(files);
    }

    /// <summary>The digest of the principal that every local caller is while there is no authentication.</summary>
    public static byte[] LocalPrincipal { get; } = SHA256.HashData("local"u8)[..SessionTicket.DigestBytes];

    /// <summary>The name of this node: <see cref="SessionTicket.NodeChars"/> characters of hexadecimal.</summary>
    public string Node { get; }

    /// <summary>The key to seal with now.</summary>
    public TicketKey CurrentKey => _keys.Current;

    /// <summary>The key of this name, while what it sealed may be opened; else null.</summary>
    public TicketKey? FindKey(uint id) => _keys.Find(id);

    /// <summary>Makes a ticket for a session that begins now, and its id.</summary>
    public (string Id, SessionTicket Ticket) Make(string? endpoint, ProtocolVersion version, byte[] capabilities, byte[] clientInfo)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(_time.GetUtcNow().ToUnixTimeSeconds());
        var ticket = new SessionTicket(now, LocalPrincipal, version, endpoint, capabilities, clientInfo);
        return (ticket.ToId(_keys.Current, Node), ticket);
    }

    /// <summary>The ticket of an id, when the session may go on at this endpoint; null otherwise, for whatever reason.</summary>
    public SessionTicket? Open(string id, string? endpoint)
    {
        if (!SessionTicket.TryOpen(id, _keys.Find, out var ticket))
        {
            return null;
        }

        var age = _time.GetUtcNow() - ticket.Created;
        return age < SessionTicket.Lifetime && age > -s_clockSkew && ticket.Endpoint == endpoint
            && ticket.PrincipalDigest.AsSpan().SequenceEqual(LocalPrincipal) && !IsEnded(id, ticket)
            ? ticket
            : null;
    }

    /// <summary>Whether the session has ended.</summary>
    public bool IsEnded(string id, SessionTicket ticket) => _ended.Contains(id, ticket.Created);

    /// <summary>Remembers that a session has ended: its ticket is not opened again, also after a restart.</summary>
    public void End(string id, DateTimeOffset created) => _ended.Add(id, created);

    /// <summary>The name of this node: made once for a state folder, else for this process.</summary>
    private static string NodeOf(StateFiles? files)
    {
        var node = "";
        var file = files?.File("node.json", 1, "This node goes on under another name.");
        var outcome = file?.Read(bytes =>
        {
            using var document = JsonDocument.Parse(bytes);
            var name = document.RootElement.GetProperty("node").GetString()!;
            node = name.Length == SessionTicket.NodeChars && name.All(char.IsAsciiHexDigitLower) ? name : throw new FormatException("the name in it is no name of a node");
        });
        if (outcome == StateOutcome.Good)
        {
            return node;
        }

        node = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SessionTicket.NodeChars / 2));
        file?.Write(Encoding.ASCII.GetBytes($"{{\"formatVersion\":1,\"node\":\"{node}\"}}\n"));
        return node;
    }
}
