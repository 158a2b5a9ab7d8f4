using System.Text;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Upstreams;

public class TaskFormsTests
{
    [Theory]
    [InlineData(ProtocolVersion.V20251125, """{"tasks":{"requests":{"tools":{"call":{}}}}}""", 1)]
    [InlineData(ProtocolVersion.V20250618, """{"tasks":{"requests":{"tools":{"call":{}}}}}""", 0)]
    [InlineData(ProtocolVersion.V20251125, """{"tasks":{"list":{},"requests":{"tools":{}}}}""", 0)]
    [InlineData(ProtocolVersion.V20251125, """{"extensions":{"io.modelcontextprotocol/tasks":{}}}""", 0)]
    [InlineData(ProtocolVersion.V20260728, """{"extensions":{"io.modelcontextprotocol/tasks":{}}}""", 2)]
    [InlineData(ProtocolVersion.V20260728, """{"extensions":{"io.modelcontextprotocol/tasks":null}}""", 0)]
    [InlineData(ProtocolVersion.V20260728, """{"tasks":{"requests":{"tools":{"call":{}}}}}""", 0)]
    [InlineData(ProtocolVersion.V20260728, "{}", 0)]
    public void Of_WhenCapabilitiesAreRead_TellsTheFormOfTheRevision(ProtocolVersion version, string capabilities, int form) =>
        Assert.Equal((TaskForm)form, TaskForms.Of(version, Encoding.UTF8.GetBytes(capabilities)));
}
