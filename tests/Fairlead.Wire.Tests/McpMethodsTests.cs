using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class McpMethodsTests
{
    [Fact]
    public void Find_WhenNameIsKnown_IsTheInverseOfNameOf()
    {
        foreach (var method in Enum.GetValues<McpMethod>().Where(method => method != McpMethod.Unknown))
        {
            var name = McpMethods.NameOf(method).ToArray();
            Assert.NotEmpty(name);
            Assert.Equal(method, McpMethods.Find(name));
            Assert.Equal(Text(name).StartsWith("notifications/", StringComparison.Ordinal), method.IsNotification());

            // No neighbour of a name is a name: each byte changed, one byte less, one byte more.
            for (var i = 0; i < name.Length; i++)
            {
                name[i] ^= 1;
                Assert.Equal(McpMethod.Unknown, McpMethods.Find(name));
                name[i] ^= 1;
            }

            Assert.Equal(McpMethod.Unknown, McpMethods.Find(name.AsSpan(1)));
            Assert.Equal(McpMethod.Unknown, McpMethods.Find([.. name, (byte)'x']));
            Assert.Equal(McpMethod.Unknown, McpMethods.Find(Utf8(Text(name).ToUpperInvariant())));
        }

        for (var length = 0; length < 200; length++)
        {
            Assert.Equal(McpMethod.Unknown, McpMethods.Find(new byte[length]));
        }

        Assert.True(McpMethods.NameOf(McpMethod.Unknown).IsEmpty);
    }

    [Theory]
    [InlineData(McpMethod.ToolsCall, "11111")]
    [InlineData(McpMethod.Initialize, "11110")]
    [InlineData(McpMethod.Ping, "11110")]
    [InlineData(McpMethod.LoggingSetLevel, "11110")]
    [InlineData(McpMethod.ResourcesSubscribe, "11110")]
    [InlineData(McpMethod.ServerDiscover, "00001")]
    [InlineData(McpMethod.SubscriptionsListen, "00001")]
    [InlineData(McpMethod.TasksGet, "00011")]
    [InlineData(McpMethod.TasksResult, "00010")]
    [InlineData(McpMethod.TasksUpdate, "00001")]
    [InlineData(McpMethod.SamplingCreateMessage, "00000")]
    [InlineData(McpMethod.NotificationsInitialized, "00000")]
    public void IsRequestOf_WhenRevisionIsGiven_FollowsTheSchemas(McpMethod method, string expected)
    {
        var actual = string.Concat(Enum.GetValues<ProtocolVersion>().Skip(1).Select(version => method.IsRequestOf(version) ? '1' : '0'));
        Assert.Equal(expected, actual);
        Assert.False(method.IsRequestOf(ProtocolVersion.Unknown));
    }
}
