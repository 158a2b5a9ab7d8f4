using System.Text;
using Fairlead.Exchanges;
using Fairlead.Wire;

namespace Fairlead.Tests.Exchanges;

/// <summary>What a question loses on its way to the other era, and that the rest keeps its bytes.</summary>
public sealed class InputEditsTests
{
    [Theory]
    [InlineData("elicitation/create", """{"message":"m","_meta":{"progressToken":2}}""", """{"message":"m","_meta":{}}""")]
    [InlineData("elicitation/create", """{"mode":"url","elicitationId":"e","url":"u","_meta":{"a":1.0,"progressToken":"t"}}""", """{"mode":"url","url":"u","_meta":{"a":1.0}}""")]
    [InlineData("sampling/createMessage", """{"_meta":{"progressToken":7,"b":[]},"maxTokens":1e2}""", """{"_meta":{"b":[]},"maxTokens":1e2}""")]
    [InlineData("roots/list", """{"_meta":{"c":{}}}""", """{"_meta":{"c":{}}}""")]
    [InlineData("sampling/createMessage", """{"elicitationId":"not of this kind"}""", """{"elicitationId":"not of this kind"}""")]
    public void ForModern_WhenTheQuestionHasWhatTheRevisionDoesNot_TakesItOutAndNothingElse(string method, string parameters, string expected)
    {
        var source = Encoding.UTF8.GetBytes(parameters);

        var edited = InputEdits.ForModern(McpMethods.Find(Encoding.UTF8.GetBytes(method)), source, new ByteRange(0, source.Length));

        Assert.Equal(expected, Encoding.UTF8.GetString(edited));
    }
}
