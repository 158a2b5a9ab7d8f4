using System.Text;
using Fairlead.Sessions;
using Fairlead.Wire;

namespace Fairlead.Tests.Sessions;

public sealed class SessionTicketTests
{
    private const string Node = "00c0ffee";

    private static readonly DateTimeOffset s_created = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TicketKey s_key = TicketKey.Make(s_created);

    [Theory]
    [InlineData(ProtocolVersion.V20241105, null)]
    [InlineData(ProtocolVersion.V20250326, "files")]
    [InlineData(ProtocolVersion.V20250618, "p/work")]
    [InlineData(ProtocolVersion.V20251125, "a-name-of-thirty-two-characters1")]
    public void Id_WhenOpenedWithItsKey_SaysWhatWasSealed(ProtocolVersion version, string? endpoint)
    {
        var sealedTicket = Ticket(version, endpoint, """{"elicitation":{"url":{}},"x":"\u00e9"}""", """{"name":"n","version":"1"}""");
        Assert.True(TryOpen(sealedTicket.ToId(s_key, Node), out var opened));
        Assert.Equal((s_created, version, endpoint), (opened!.Created, opened.Version, opened.Endpoint));
        Assert.Equal(sealedTicket.PrincipalDigest, opened.PrincipalDigest);
        Assert.Equal(sealedTicket.Capabilities, opened.Capabilities);
        Assert.Equal(sealedTicket.ClientInfo, opened.ClientInfo);
    }

    [Fact]
    public void Id_WhenMadeTwice_DiffersAndFitsAHeader()
    {
        var ticket = Ticket(ProtocolVersion.V20251125, null, "{}", "");
        var ids = new[] { ticket.ToId(s_key, Node), ticket.ToId(s_key, Node) };
        Assert.NotEqual(ids[0], ids[1]);
        Assert.All(ids, id =>
        {
            Assert.StartsWith($"v1.{Node}.", id, StringComparison.Ordinal);
            Assert.All(id, character => Assert.InRange(character, '!', '~'));
        });
    }

    [Fact]
    public void Id_WhenAnyCharacterIsChanged_IsNotOpened()
    {
        var id = Ticket(ProtocolVersion.V20251125, "files", """{"roots":{}}""", """{"name":"n","version":"1"}""").ToId(s_key, Node);
        for (var i = 0; i < id.Length; i++)
        {
            foreach (var other in "AQgw_.=v0 ")
            {
                if (id[i] != other)
                {
                    var forged = string.Concat(id.AsSpan(0, i), [other], id.AsSpan(i + 1));
                    Assert.False(TryOpen(forged, out _), $"character {i} as '{other}'");
                }
            }
        }
    }

    [Fact]
    public void Id_WhenShortenedOrLengthened_IsNotOpened()
    {
        var id = Ticket(ProtocolVersion.V20251125, null, "{}", "").ToId(s_key, Node);
        for (var length = 0; length < id.Length; length++)
        {
            Assert.False(TryOpen(id[..length], out _), $"the first {length} characters");
        }

        foreach (var more in new[] { "A", "AA", "AAA", "AAAA", "=", "==", ".", new string('A', 600) })
        {
            Assert.False(TryOpen(id + more, out _), more);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("v1.00c0ffee.AAAAAAAAAAAAAAAAAAAAAA.")]
    [InlineData("v2.00c0ffee.AAAAAAAAAAAAAAAAAAAAAA.AAAA")]
    public void Id_WhenItIsNotOurs_IsNotOpened(string id) => Assert.False(TryOpen(id, out _));

    [Fact]
    public void Id_WhenSealedByAnotherKeyOfTheSameName_IsNotOpened()
    {
        var foreign = s_key with { Secret = TicketKey.Make(s_created).Secret };
        Assert.False(TryOpen(Ticket(ProtocolVersion.V20251125, null, "{}", "").ToId(foreign, Node), out _));
    }

    [Fact]
    public void Id_WhenTheHeadIsOfAnotherId_IsNotOpened()
    {
        var ticket = Ticket(ProtocolVersion.V20251125, null, "{}", "");
        var (one, two) = (ticket.ToId(s_key, Node), ticket.ToId(s_key, Node));
        var dot = one.LastIndexOf('.');
        Assert.False(TryOpen(one[..dot] + two[dot..], out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [InlineData(268)]
    [InlineData(5_000)]
    [InlineData(100_000)]
    public void Id_WhenTheClientSaysMuch_StaysWithinItsBoundAndKeepsWhatMatters(int more)
    {
        var capabilities = "{\"experimental\":{\"x\":\"" + new string('x', more) + "\"},\"roots\" : { \"listChanged\" : true, \"other\":1},\"sampling\":{\"tools\":{\"deep\":[1]}},\"elicitation\":{\"form\":{},\"url\":{}}}";
        var info = "{\"name\":\"n\",\"version\":\"1\",\"description\":\"" + new string('y', more) + "\"}";
        var id = Ticket(ProtocolVersion.V20251125, "a-name-of-thirty-two-characters1", capabilities, info).ToId(s_key, Node);
        Assert.InRange(id.Length, 1, SessionTicket.IdCharsMax);
        Assert.True(TryOpen(id, out var opened));
        var kept = Encoding.UTF8.GetString(opened!.Capabilities);
        Assert.Equal(more < 100 ? capabilities : """{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{"listChanged":true}}""", kept);
        Assert.StartsWith("{\"name\":\"n\",\"version\":\"1\"", Encoding.UTF8.GetString(opened.ClientInfo), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "{}")]
    [InlineData("""{"elicitation":{}}""", """{"elicitation":{}}""")]
    [InlineData("""{"elicitation":true,"roots":{"listChanged":false}}""", """{"roots":{}}""")]
    [InlineData("""{"sampl\u0069ng":{"context":{}}}""", """{"sampling":{"context":{}}}""")]
    public void Capabilities_WhenReduced_MeanTheSameToServersThatAsk(string declared, string kept)
    {
        var padded = declared[..^1] + (declared == "{}" ? "" : ",") + "\"pad\":\"" + new string('x', 300) + "\"}";
        Assert.Equal(kept, Encoding.UTF8.GetString(TicketCapabilities.Fit(Encoding.UTF8.GetBytes(padded), 128)));
    }

    [Fact]
    public void ClientInfo_WhenEvenItsNameIsTooLong_IsLeftOut() =>
        Assert.Empty(TicketCapabilities.FitInfo(Encoding.UTF8.GetBytes("{\"name\":\"" + new string('n', 400) + "\",\"version\":\"1\"}"), 100));

    private static bool TryOpen(string id, out SessionTicket? ticket) =>
        SessionTicket.TryOpen(id, name => name == System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(s_key.Id) ? s_key : null, out ticket);

    private static SessionTicket Ticket(ProtocolVersion version, string? endpoint, string capabilities, string info) =>
        new(s_created, SessionTickets.LocalPrincipal, version, endpoint, Encoding.UTF8.GetBytes(capabilities), Encoding.UTF8.GetBytes(info));
}
