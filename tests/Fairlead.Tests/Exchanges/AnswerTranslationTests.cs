using System.Text;
using Fairlead.Exchanges;

namespace Fairlead.Tests.Exchanges;

public sealed class AnswerTranslationTests
{
    [Fact]
    public void Compose_WhenTheDataStandsOnSeveralLines_FitsALine() => Assert.Equal(
        """{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"a\nb","data":{  "uri": "x"  }}}""",
        Encoding.UTF8.GetString(AnswerTranslation.Compose("1"u8, -32002, "a\nb", "{\r\n\"uri\": \"x\"\r\n}"u8)));
}
