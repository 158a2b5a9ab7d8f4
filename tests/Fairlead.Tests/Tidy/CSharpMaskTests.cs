namespace Fairlead.Tests.Tidy;

public sealed class CSharpMaskTests
{
    [Theory]
    [InlineData("a // b", "a     ")]
    [InlineData("a /* b */ c", "a         c")]
    [InlineData("f(\"b\", 'c')", "f(\" \",    )")]
    [InlineData("\"a\\\"b\" c", "\"  \" \" c")]
    [InlineData("@\"a\\\" b", " \"  \" b")]
    [InlineData("@\"a\"\"b\" c", " \" \"\" \" c")]
    [InlineData("$\"a{b[\"c\"]}d\" e", " \"    \" \"   \" e")]
    [InlineData("$\"{{a\" b", " \"   \" b")]
    [InlineData("\"\"\"a\"b\"\"\" c", "\"\"\" \" \"\"\" c")]
    [InlineData("\"\" a", "\"\" a")]
    [InlineData("@class a", "@class a")]
    public void Apply_WhenTextHoldsLiteralsAndComments_BlanksOnlyThem(string text, string expected) => Assert.Equal(expected, CSharpMask.Apply(text));
}
